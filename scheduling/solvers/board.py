"""The board: where the solvers of one run post their best candidate and their bounds.

All solvers of a portfolio share one board. It keeps the best candidate and the best bound, records
the history and tells everyone to stop when the gap is closed, time is up or the user cancels.
Values are minimised throughout.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from scheduling.errors import SolverError

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may spend.

    Parameters
    ----------
    deadline
        Moment on ``time.monotonic()`` at which the search must be over; ``None``: no time limit.
    work
        Deterministic work units; ``None``: no work limit. One unit is one unit of CP-SAT's
        deterministic time, or the number of iterations that a heuristic names as its unit.
    workers
        Threads that may run at the same time.
    seed
        Seed of every random choice.
    """

    deadline: float | None
    work: float | None
    workers: int
    seed: int

    def remaining(self) -> float | None:
        """Seconds left, at least 0; ``None`` without a time limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def part(self, share: float, workers: int | None = None) -> Budget:
        """Return a budget of ``share`` of what is left, with as many workers as named."""
        left = self.remaining()
        return Budget(
            deadline=None if left is None else time.monotonic() + share * left,
            work=None if self.work is None else share * self.work,
            workers=self.workers if workers is None else workers,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One report on a running solve; values are ``None`` while unknown."""

    seconds: float
    tier: int
    objective: int | float | None
    bound: int | float | None
    solver: str


class Board(Generic[C]):
    """Best candidate and bound of one tier, shared by concurrent solvers.

    Parameters
    ----------
    tier
        Index of the tier that is minimised.
    caps
        Values of the earlier tiers, which no candidate may exceed.
    started
        ``time.monotonic()`` at the start of the whole solve, for the history.
    """

    def __init__(self, tier: int, caps: tuple[int, ...], started: float) -> None:
        self.tier = tier
        self.caps = caps
        self.best: C | None = None
        self.values: tuple[int, ...] | None = None
        self.bound: int | None = None
        self.solver: str | None = None
        self.infeasible = False
        self.history: list[tuple[float, int | None, int | None]] = []
        self.reports: list[Progress] = []
        self._started = started
        self._stopped = threading.Event()
        self._hooks: list[Callable[[], None]] = []
        self._changed = threading.Condition()

    @property
    def objective(self) -> int | None:
        """Best value of the tier so far; ``None`` without a candidate."""
        return None if self.values is None else self.values[self.tier]

    @property
    def closed(self) -> bool:
        """Whether the best candidate is proven optimal, or infeasibility is proven."""
        value = self.objective
        return self.infeasible or (
            value is not None and self.bound is not None and self.bound >= value
        )

    @property
    def stopped(self) -> bool:
        """Whether searches should end now."""
        return self._stopped.is_set()

    def known(self, hint: C | None) -> C | None:
        """Return the best candidate so far, or the hint before there is one."""
        return hint if self.best is None else self.best

    def offer(self, candidate: C, values: tuple[int, ...], solver: str) -> bool:
        """Post a candidate with the values of all tiers; True when it is the new best.

        A value below the proven bound is an error: one of the two is wrong.
        """
        with self._changed:
            if any(value > cap for value, cap in zip(values, self.caps, strict=False)):
                return False
            if self.values is not None and values[self.tier :] >= self.values[self.tier :]:
                return False
            if self.bound is not None and values[self.tier] < self.bound:
                raise SolverError(
                    f"{solver} found {values[self.tier]}, below the proven bound {self.bound}"
                )
            self.best, self.values, self.solver = candidate, values, solver
            self._record(solver)
        self._stop_if_closed()
        return True

    def raise_bound(self, bound: int, solver: str) -> bool:
        """Post a lower bound on the tier's value; True when it is better than the last."""
        with self._changed:
            if self.bound is not None and bound <= self.bound:
                return False
            value = self.objective
            if value is not None and bound > value:
                raise SolverError(f"{solver} proved the bound {bound}, above the value {value}")
            self.bound = bound
            self._record(solver)
        self._stop_if_closed()
        return True

    def prove_infeasible(self, solver: str) -> None:
        """Post that no candidate exists."""
        with self._changed:
            if self.best is not None:
                raise SolverError(f"{solver} claims infeasibility although {self.solver} solved it")
            self.infeasible = True
            self.solver = solver
        self.stop()

    def stop(self) -> None:
        """Tell all searches to end."""
        with self._changed:
            self._stopped.set()
            hooks = list(self._hooks)
            self._changed.notify_all()
        for hook in hooks:
            hook()

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` once the board stops (at once if it has)."""
        with self._changed:
            self._hooks.append(hook)
            stopped = self.stopped
        if stopped:
            hook()

    def wait(self, seconds: float | None) -> bool:
        """Sleep until something is posted or the board stops; True when it has stopped."""
        with self._changed:
            if not self.stopped and not self.reports:
                self._changed.wait(seconds)
        return self.stopped

    def take_reports(self) -> list[Progress]:
        """Return the reports that came since the last call."""
        with self._changed:
            reports, self.reports = self.reports, []
        return reports

    def _record(self, solver: str) -> None:
        seconds = time.monotonic() - self._started
        self.history.append((seconds, self.objective, self.bound))
        self.reports.append(Progress(seconds, self.tier, self.objective, self.bound, solver))
        self._changed.notify_all()

    def _stop_if_closed(self) -> None:
        if self.closed:
            self.stop()
