"""Runs of policies as checked solutions of the offline problem."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.errors import CheckError
from scheduling.models.base import Number, Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.solvers.registry import certificate_fields, tier_values


def certified(
    problem: ScheduleProblem,
    solution: ScheduleSolution,
    values: Sequence[Number | None],
    bounds: Sequence[Number | None],
) -> ScheduleSolution:
    """Give a schedule its certificate, and check it independently.

    Parameters
    ----------
    problem
        The offline problem.
    solution
        The schedule; its status stands unless its values reach the bounds.
    values, bounds
        Value and bound of each tier of the objective.

    Raises
    ------
    CheckError
        When the schedule fails the check (a defect of the library).
    """
    names = [tier.name for tier in problem.objective.tiers]
    tiers = tier_values(names, values, bounds)
    closed = all(tier.closed for tier in tiers)
    fields = {
        "status": Status.OPTIMAL if closed else solution.status,
        **certificate_fields(tiers),
    }
    stated = solution.model_copy(update=fields)
    violations = check_schedule(problem, stated)
    if violations:
        text = "; ".join(str(violation) for violation in violations[:5])
        raise CheckError(f"the schedule of {solution.solver} failed the check: {text}")
    return stated
