"""Runs of policies as checked solutions of the offline problem."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.errors import CheckError
from scheduling.models.base import Number, Status, certificate_fields
from scheduling.models.schedule.check import check_schedule, objective_values
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.solvers.registry import tier_values


def stated(
    problem: ScheduleProblem,
    policy: str,
    tasks: tuple[ScheduledTask, ...] | None,
    seconds: float,
    bounds: Sequence[Number | None],
) -> ScheduleSolution:
    """State what a policy did as a checked solution of the offline problem.

    Parameters
    ----------
    problem
        The offline problem.
    policy
        Name of the policy.
    tasks
        Its schedule; ``None`` when it found none.
    seconds
        How long it took.
    bounds
        Bound of each tier of the objective.

    Raises
    ------
    CheckError
        When the schedule fails the check (a defect of the library).
    """
    named = ScheduleSolution(
        status=Status.UNKNOWN if tasks is None else Status.FEASIBLE,
        problem=problem.name,
        solver=policy,
        seconds=seconds,
        tasks=tasks or (),
    )
    values: Sequence[Number | None] = [None] * len(bounds)
    if tasks is not None:
        values = objective_values(problem, named)
    return certified(problem, named, values, bounds)


def rebounded(
    problem: ScheduleProblem, solution: ScheduleSolution, bounds: Sequence[Number | None]
) -> ScheduleSolution:
    """Give a policy's schedule other bounds.

    Parameters
    ----------
    problem
        The offline problem.
    solution
        As of :func:`stated`.
    bounds
        Bound of each tier of the objective; where they are those that it has, it stays as it is.
    """
    if [tier.bound for tier in solution.tiers] == list(bounds):
        return solution
    return certified(problem, solution, [tier.objective for tier in solution.tiers], bounds)


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
