"""The time of a plan and of its searches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event

from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.solvers.board import Progress
from scheduling.solvers.driver import solve


@dataclass(frozen=True, slots=True)
class Clock:
    """When everything must be done, on how many threads, with which seed.

    Parameters
    ----------
    deadline
        Moment of the monotonic clock.
    workers, seed
        Of the searches.
    interrupted
        Set when the user ends it before.
    """

    deadline: float
    workers: int | None
    seed: int
    interrupted: Event = field(default_factory=Event)

    @property
    def over(self) -> bool:
        """Whether the time is up, or the user has ended it."""
        return self.interrupted.is_set() or time.monotonic() >= self.deadline

    def part(self, share: float) -> Clock:
        """Return a clock that ends after a share of the seconds that are left."""
        return replace(self, deadline=time.monotonic() + self.left(share))

    def left(self, share: float = 1.0) -> float:
        """Return a share of the seconds that are left."""
        return max(0.05, share * (self.deadline - time.monotonic()))

    def solve(
        self,
        problem: ServingProblem,
        share: float = 1.0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> ServingSolution:
        """Solve a problem within a share of the time that is left."""
        solution: ServingSolution = solve(
            problem,
            time_limit=self.left(share),
            workers=self.workers,
            seed=self.seed,
            on_progress=on_progress,
        )
        return solution
