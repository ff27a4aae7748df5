"""Pareto fronts of schedules and of serving fleets with several criteria."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Many, Name, Solution
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.serving.solution import ServingSolution

Point = Annotated[ScheduleSolution | ServingSolution, Field(discriminator="kind")]
"""A solution of a problem that has fronts."""


class ParetoFront(Solution):
    """Solutions none of which is better than another one in every criterion, with a certificate.

    The criteria are the tiers of the problem's objective. In vectors all are minimised: values of
    those that are maximised are negative there. ``objective`` is the hypervolume of the points: the
    volume between them and ``reference``, to be maximised. ``bound`` is that of ``lower``, and no
    front has more. ``status`` is ``optimal`` when every point that no solution dominates is there.

    Attributes
    ----------
    criteria
        Names of the tiers.
    points
        One solution for each point, by rising vectors. Each is an ordinary answer: the bound of a
        tier holds given the values that it reaches in the tiers before.
    lower
        Vectors of which at least one is, in every criterion, no larger than any given solution.
        Where the front is complete, these are its points.
    reference
        Vector from which volumes are measured: one above the largest value of the points in each
        criterion.
    """

    kind: Literal["pareto"] = "pareto"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    criteria: Many[Name] = ()
    points: Many[Point] = ()
    lower: Many[Many[int]] = ()
    reference: Many[int] = ()

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """Vector of each point."""
        signs = {"min": 1, "max": -1}
        return tuple(
            tuple(signs[tier.sense] * int(tier.objective or 0) for tier in one.tiers)
            for one in self.points
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the criteria as vectors have them: with a minus where they are maximised."""
        senses = {tier.name: tier.sense for one in self.points[:1] for tier in one.tiers}
        return tuple(f"-{name}" if senses.get(name) == "max" else name for name in self.criteria)
