"""A solution's certificate in a sentence."""

from __future__ import annotations

from scheduling.models.base import Number, Status, TierValue
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution


def certificate_sentence(problem: ScheduleProblem, solution: ScheduleSolution) -> str:
    """State status, objective, bound, gap, solver and time as people would say them."""
    by = f" by {solution.solver}" if solution.solver else ""
    effort = f"{by} in {format_seconds(solution.seconds)}"
    if solution.status is Status.INFEASIBLE:
        return f"No schedule exists: proven{effort}."
    if solution.status is Status.UNKNOWN:
        known = ""
        if solution.bound is not None:
            name = problem.objective.tiers[0].name
            known = f"; {name} is at least {format_number(solution.bound)}"
        return f"No schedule was found{effort}, and none was excluded{known}."
    values = ", then ".join(_tier(tier) for tier in solution.tiers) or _summary(problem, solution)
    if solution.status is Status.OPTIMAL:
        return f"Proven optimal: {values}, found{effort}."
    return f"Valid, not proven optimal: {values}, found{effort}."


def format_number(value: Number) -> str:
    """Write a number with thousands set apart, such as ``12,345``."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def format_seconds(seconds: float) -> str:
    """Write a duration with three digits at most below a minute, such as ``0.12 s``."""
    if seconds < 0.001:
        return "under 1 ms"
    return f"{seconds:.3g} s" if seconds < 60 else f"{seconds:,.0f} s"


def _tier(tier: TierValue) -> str:
    return _value(tier.name, tier.objective, tier.bound, tier.gap)


def _summary(problem: ScheduleProblem, solution: ScheduleSolution) -> str:
    name = problem.objective.tiers[0].name
    return _value(name, solution.objective, solution.bound, solution.gap)


def _value(name: str, objective: Number | None, bound: Number | None, gap: float | None) -> str:
    stated = "unknown" if objective is None else format_number(objective)
    text = f"{name.replace('_', ' ')} {stated}"
    if objective is not None and objective == bound:
        return text
    if bound is None:
        return f"{text} (no bound known)"
    distance = "" if gap is None else f", gap {100 * gap:.2g} %"
    return f"{text} (at least {format_number(bound)}{distance})"
