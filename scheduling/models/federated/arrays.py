"""Clients as whole numbers, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from scheduling.models.exact import whole
from scheduling.models.federated.problem import FederatedProblem

Steps = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FederatedArrays:
    """Clients that start together.

    Attributes
    ----------
    seconds
        Of a step of each, in ``unit`` seconds.
    least, most
        Fewest and most steps.
    unit
        Seconds.
    """

    seconds: list[int]
    least: int
    most: int
    unit: Fraction

    def spread(self, steps: Steps) -> int:
        """Return the time between the first and the last arrival."""
        arrivals = [count * each for count, each in zip(steps, self.seconds, strict=True)]
        return max(arrivals) - min(arrivals)


def compile_federated(problem: FederatedProblem) -> FederatedArrays:
    """Translate a problem into whole numbers."""
    seconds, unit = whole(client.seconds_per_step for client in problem.clients)
    return FederatedArrays(seconds, problem.min_steps, problem.max_steps, unit)
