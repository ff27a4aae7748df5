"""Rows about policies: what scenarios of online systems share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduling.models.base import Problem
from scheduling.scenarios.scenario import Row, Run
from scheduling.simulator.schedule.policy import Policy
from scheduling.simulator.schedule.simulate import Simulation, simulate_schedule

_LEAST_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Figure:
    """What the rows of some runs say beside their values.

    Parameters
    ----------
    case, measure, published
        As of :class:`~scheduling.scenarios.scenario.Row`; ``case`` says what one instance is.
    instances
        How many there are; not all may have been run.
    divisor
        What an instance's value is divided by, such as its number of jobs.
    """

    case: str
    measure: str
    published: str | None
    instances: int
    divisor: int = 1


def run_policies(
    problems: Sequence[Problem],
    policies: Callable[[float], Sequence[str | Policy]],
    limits: Run,
    work: float,
) -> list[Simulation]:
    """Run policies on each problem, as many as the time allows and at least one.

    Each has an equal share of what is left, half of it for plans and half for the bound. What the
    time does not allow is not run, and rows say how many were.

    Parameters
    ----------
    problems
        What to run them on.
    policies
        Makes them anew for each problem, given the seconds for plans; the first is the baseline.
    limits
        For all problems.
    work
        Work for the bound of an offline problem; with one worker it is reproducible where the time
        suffices.
    """
    found: list[Simulation] = []
    for number, problem in enumerate(problems):
        if found and limits.left <= 0:
            break
        half = max(_LEAST_SECONDS, limits.share(len(problems) - number).seconds / 2)
        found.append(
            simulate_schedule(problem, policies(half), time_limit=half, work_limit=work, workers=1)
        )
    return found


def policy_rows(figure: Figure, found: Sequence[Simulation]) -> list[Row]:
    """Return one row a policy: its mean value, and the gap of all its runs together.

    The gap is ``1 - sum of bounds / sum of values``: by at most that share of the values the
    policy is worse than schedulers who know everything from the start.
    """
    totals = [
        (
            run.policy,
            sum(float(entry.runs[k].solution.objective or 0) for entry in found),
            sum(float(entry.runs[k].solution.bound or 0) for entry in found),
        )
        for k, run in enumerate(found[0].runs)
    ]
    offline = sum(float(entry.offline.objective or 0) for entry in found)
    base_name, base, _ = totals[0]
    scale = len(found) * figure.divisor
    return [
        Row(
            case=f"{figure.case}; {len(found)} of {figure.instances} instances",
            measure=figure.measure,
            baseline=base_name,
            baseline_value=base / scale,
            method=name,
            value=total / scale,
            gap=1.0 - bound / total if total else 0.0,
            published=figure.published,
            verdict=f"{total / offline:.2f} of the offline schedule" if offline else "offline 0",
        )
        for name, total, bound in totals
    ]
