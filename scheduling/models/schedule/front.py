"""Pareto fronts of scheduling problems with several criteria."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Many, Name, Solution
from scheduling.models.schedule.solution import ScheduleSolution


class ParetoFront(Solution):
    """Schedules none of which is better than another one in every criterion, with a certificate.

    The criteria are the tiers of the problem's objective, all minimised. ``objective`` is the
    hypervolume of the points: the volume between them and ``reference``, to be maximised. ``bound``
    is that of ``lower``, and no front has more. ``status`` is ``optimal`` when every point that no
    schedule dominates is there.

    Attributes
    ----------
    criteria
        Names of the tiers.
    points
        One schedule for each point, by rising values. Each is an ordinary answer: the bound of a
        tier holds given the values that it reaches in the tiers before.
    lower
        Vectors of which at least one is, in every criterion, no larger than any given schedule.
        Where the front is complete, these are its points.
    reference
        Vector from which volumes are measured: one above the largest value of the points in each
        criterion.
    """

    kind: Literal["pareto"] = "pareto"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    criteria: Many[Name] = ()
    points: Many[ScheduleSolution] = ()
    lower: Many[Many[int]] = ()
    reference: Many[int] = ()
