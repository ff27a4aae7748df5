"""Many independent runs side by side, on this machine or an existing cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from scheduling.errors import InputError

BACKENDS = ("loky", "dask", "ray")
"""Engines of joblib that carry several runs: this machine's processes, or a cluster."""

_Run = TypeVar("_Run")
_Found = TypeVar("_Found")


def check_engine(jobs: int, backend: str) -> None:
    """Check where runs are carried out, before any begins.

    Raises
    ------
    InputError
        For an unknown backend, or fewer than one run at a time.
    """
    if backend not in BACKENDS:
        raise InputError.single("backend", repr(backend), f"one of {', '.join(BACKENDS)}")
    if jobs < 1:
        raise InputError.single("jobs", str(jobs), "at least 1")


def carry_out(
    function: Callable[[_Run], _Found], runs: Sequence[_Run], jobs: int, backend: str = "loky"
) -> Iterator[_Found]:
    """Yield what the function returns for each run, as they end.

    Parameters
    ----------
    function
        Carries out one run; it and the runs can be pickled.
    runs
        What is run.
    jobs
        Runs side by side; one alone on this machine stays in this process, in order.
    backend
        One of :data:`BACKENDS`.
    """
    if jobs == 1 and backend == "loky":
        yield from map(function, runs)
        return
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend=backend, n_jobs=jobs):
        yield from Parallel(return_as="generator_unordered")(delayed(function)(run) for run in runs)
