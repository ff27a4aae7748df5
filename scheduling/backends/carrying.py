"""Many independent runs side by side, by any engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from scheduling.backends.backend import Backend
from scheduling.errors import InputError

BACKENDS = ("loky", "dask", "ray")
"""Engines: this machine's processes, or a cluster."""

_MOST_PROCESSES = 1024
_Run = TypeVar("_Run")
_Found = TypeVar("_Found")


class StoppedError(KeyboardInterrupt, Generic[_Found]):
    """The keyboard stopped runs; what they had found until then is whole.

    Parameters
    ----------
    done
        Results of the runs that had ended.
    total
        How many runs there were to be.
    """

    def __init__(self, done: Sequence[_Found], total: int) -> None:
        super().__init__(f"stopped after {len(done)} of {total} runs")
        self.done = done
        self.total = total


def backend_of(text: str) -> Backend:
    """Return the engine that an option names: ``loky``, ``dask``, ``ray``, or ``dask:ADDRESS``.

    Raises
    ------
    InputError
        For an unknown engine, and an address where there is none.
    """
    name, _, address = text.partition(":")
    if name not in BACKENDS or (name == "loky" and address):
        expected = f"one of {', '.join(BACKENDS)}, or one of a cluster with its address as dask:…"
        raise InputError.single("backend", repr(text), expected)
    if name == "dask":
        from scheduling.backends.daskcluster import DaskCluster

        return DaskCluster(address or None)
    if name == "ray":
        from scheduling.backends.raycluster import RayCluster

        return RayCluster(address or None)
    from scheduling.backends.local import LocalProcesses

    return LocalProcesses()


def check_engine(jobs: int | None, backend: str) -> None:
    """Check where runs are carried out, before any begins.

    Raises
    ------
    InputError
        For an unknown backend, fewer than one run at a time, or more than 1024 on one machine.
    """
    backend_of(backend)
    if jobs is not None and jobs < 1:
        raise InputError.single("jobs", str(jobs), "at least 1")
    if jobs is not None and jobs > _MOST_PROCESSES and backend == "loky":
        raise InputError.single("jobs", str(jobs), f"at most {_MOST_PROCESSES} on one machine")


def carry_out(
    function: Callable[[_Run], _Found],
    runs: Sequence[_Run],
    jobs: int | None = None,
    backend: str = "loky",
) -> Iterator[_Found]:
    """Yield what the function returns for each run, as they end.

    Parameters
    ----------
    function
        Carries out one run; it and the runs can be pickled.
    runs
        What is run.
    jobs
        Most runs side by side. Default: one on this machine, which stays in this process, in
        order; all that a cluster has room for.
    backend
        As of :func:`backend_of`.

    Raises
    ------
    InputError
        For an unknown engine, or a cluster that does not answer.
    UnsupportedError
        When the engine is not installed, here or on its workers.
    SolverError
        When a run lost too many workers; the results of all others have been yielded.
    """
    for _, found in backend_of(backend).carry(function, runs, jobs):
        yield found


def carry_all(
    function: Callable[[_Run], _Found],
    runs: Sequence[_Run],
    jobs: int | None = None,
    backend: str = "loky",
) -> list[_Found]:
    """Return what the function returns for each run, in their order; see :func:`carry_out`."""
    found = dict(backend_of(backend).carry(function, runs, jobs))
    return [found[place] for place in range(len(runs))]
