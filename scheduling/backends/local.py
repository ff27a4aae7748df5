"""Engine ``loky``: processes of this machine."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scheduling.backends.backend import MOST_LOSSES, given_up
from scheduling.machine import usable_cores

_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")
"""Libraries that take a thread a core unless a variable of the environment says otherwise."""


class LocalProcesses:
    """Runs in processes of this machine; one at a time stays in this process, in order."""

    name = "loky"

    def carry(
        self, function: Callable[[Any], Any], runs: Sequence[Any], jobs: int | None
    ) -> Iterator[tuple[int, Any]]:
        """Yield places and results as they end; see :class:`~scheduling.backends.backend.Backend`.

        Without a number of jobs there is one.
        """
        if jobs is None or jobs == 1:
            yield from ((place, function(run)) for place, run in enumerate(runs))
        else:
            yield from _Pool(function, runs, jobs).results()


class _Pool:
    """Processes that are replaced as a whole when one of them is lost."""

    def __init__(self, function: Callable[[Any], Any], runs: Sequence[Any], jobs: int) -> None:
        # Each of a pool's processes is started at once, whether there is something for it or not.
        self._function, self._runs, self._jobs = function, runs, min(jobs, len(runs))
        self._waiting = deque(range(len(runs)))
        self._losses: Counter[int] = Counter()
        self._given_up: list[int] = []

    def results(self) -> Iterator[tuple[int, Any]]:
        """Yield places and results as they end."""
        while self._waiting:
            yield from self._until_lost()
        if self._given_up:
            raise given_up(self._given_up, self._runs)

    def _until_lost(self) -> Iterator[tuple[int, Any]]:
        """Run until nothing waits, or a process is lost."""
        from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

        from joblib.externals.loky import get_reusable_executor

        pool = get_reusable_executor(max_workers=self._jobs, env=_shared_cores(self._jobs))
        running: dict[Future[Any], int] = {}
        try:
            while self._waiting or running:
                while self._waiting and len(running) < self._room():
                    # It waits until it is taken: a pool that has just lost a process takes nothing.
                    place = self._waiting[0]
                    running[pool.submit(self._function, self._runs[place])] = place
                    self._waiting.popleft()
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    result = done.result()
                    yield running.pop(done), result
        except BrokenExecutor:
            self._retry(list(running.values()))
        finally:
            if running:
                pool.shutdown(kill_workers=True)

    def _room(self) -> int:
        """Return how many may be under way: one where it must show who ends its process."""
        return 1 if self._waiting and self._losses[self._waiting[0]] else self._jobs

    def _retry(self, lost: list[int]) -> None:
        """Put the runs that were under way in front again, except those that go too far."""
        self._losses.update(lost)
        self._given_up += [place for place in lost if self._losses[place] >= MOST_LOSSES]
        self._waiting.extendleft(
            place for place in reversed(lost) if self._losses[place] < MOST_LOSSES
        )


def _shared_cores(jobs: int) -> dict[str, str]:
    """Variables that keep numerical libraries of several processes from all cores at once."""
    each = max(1, usable_cores() // jobs)
    return {f"{name}_NUM_THREADS": str(each) for name in _THREADS}
