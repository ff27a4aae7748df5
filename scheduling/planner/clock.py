"""The time of a plan and of its searches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.solvers.board import Progress
from scheduling.solvers.driver import solve
from scheduling.solvers.watching import one_of_many


@dataclass(frozen=True, slots=True)
class Clock:
    """When everything must be done, on how many threads, with which seed."""

    deadline: float
    workers: int | None
    seed: int

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.deadline

    def part(self, share: float) -> Clock:
        """Return a clock that ends after a share of the seconds that are left."""
        return Clock(time.monotonic() + self.left(share), self.workers, self.seed)

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
        with one_of_many():
            solution: ServingSolution = solve(
                problem,
                time_limit=self.left(share),
                workers=self.workers,
                seed=self.seed,
                on_progress=on_progress,
            )
        return solution
