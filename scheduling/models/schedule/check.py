"""Independent check of schedules: recomputes everything from the problem's definition.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.schedule.check_calendars import calendar_violations
from scheduling.models.schedule.check_choices import choice_violations
from scheduling.models.schedule.check_jobs import job_violations
from scheduling.models.schedule.check_measures import usage_value
from scheduling.models.schedule.check_moves import swap_violations
from scheduling.models.schedule.check_resources import Placed, resource_violations
from scheduling.models.schedule.objective import Tier
from scheduling.models.schedule.problem import Job, Precedence, ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution


def check_schedule(problem: ScheduleProblem, solution: ScheduleSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid.

    A solution without tasks whose status is ``infeasible`` or ``unknown`` claims no schedule, so
    only its certificate is checked.
    """
    claims_none = solution.status in (Status.INFEASIBLE, Status.UNKNOWN)
    if claims_none and not solution.tasks:
        return list(claims_without_answer(solution, None, "a schedule"))
    placed, violations = _place(problem, solution.tasks)
    if claims_none:
        violations.append(Violation("status", f"{solution.status} although it has tasks"))
    violations += _windows(problem, placed)
    violations += calendar_violations(problem, placed)
    violations += _links(problem, placed)
    violations += resource_violations(problem, placed)
    violations += job_violations(problem, placed)
    violations += swap_violations(problem, placed)
    violations += choice_violations(problem, placed)
    if all(task.optional or task.id in placed for task in problem.tasks):
        names = [tier.name for tier in problem.objective.tiers]
        values = [_tier_value(problem, tier, placed) for tier in problem.objective.tiers]
        violations += certificate_violations(names, values, solution)
    return violations


def objective_values(problem: ScheduleProblem, solution: ScheduleSolution) -> list[int]:
    """Recompute the value of each tier from the definition of its measures.

    Requires a solution in which every task is placed.
    """
    placed, _ = _place(problem, solution.tasks)
    return [_tier_value(problem, tier, placed) for tier in problem.objective.tiers]


def _place(
    problem: ScheduleProblem, entries: tuple[ScheduledTask, ...]
) -> tuple[dict[str, Placed], list[Violation]]:
    tasks = {task.id: (job, task) for job in problem.jobs for task in job.tasks}
    releases = _machine_releases(problem, entries)
    placed: dict[str, Placed] = {}
    violations: list[Violation] = []
    for entry in entries:
        job, task = tasks.get(entry.task, (None, None))
        if job is None or task is None:
            violations.append(Violation("task", f"unknown task {entry.task!r}"))
        elif entry.task in placed:
            violations.append(Violation("task", f"task {entry.task!r} placed more than once"))
        elif entry.mode >= len(task.modes):
            violations.append(Violation("mode", f"task {entry.task!r} has no mode {entry.mode}"))
        else:
            mode = task.modes[entry.mode]
            held = max(entry.end, releases.get(entry.task, entry.end))
            placed[entry.task] = Placed(job, task, entry.mode, mode, entry.start, entry.end, held)
    named = {entry.task for entry in entries}
    skippable = {name for name, (_, task) in tasks.items() if task.optional}
    missing = [name for name in tasks if name not in named and name not in skippable]
    violations += [Violation("task", f"task {name!r} is not placed") for name in missing]
    return placed, violations


def _machine_releases(
    problem: ScheduleProblem, entries: tuple[ScheduledTask, ...]
) -> dict[str, int]:
    """Start of the next task for each task of a blocking job that has one."""
    starts = {entry.task: entry.start for entry in entries}
    return {
        before.id: starts[after.id]
        for job in problem.jobs
        if job.blocking
        for before, after in pairwise(job.tasks)
        if after.id in starts
    }


def _windows(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for job in problem.jobs:
        for task in job.tasks:
            item = placed.get(task.id)
            if item is None:
                continue
            early = max(job.release, task.release) - item.start
            if early > 0:
                yield Violation("release", f"task {task.id!r}", early, "time units")
            limits = [limit for limit in (job.deadline, task.deadline) if limit is not None]
            if limits and item.end > min(limits):
                late = item.end - min(limits)
                yield Violation("deadline", f"task {task.id!r}", late, "time units")


def _links(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for link in problem.precedences:
        if link.before in placed and link.after in placed:
            yield from _link(link, placed[link.before], placed[link.after])


def _link(link: Precedence, before: Placed, after: Placed) -> Iterator[Violation]:
    first, second = link.kind.split("-")
    x = before.end if first == "end" else before.start
    y = after.end if second == "end" else after.start
    where = f"{link.kind} of {link.before!r} and {link.after!r}"
    if link.min_lag is not None:
        apart = before.mode.machine != after.mode.machine
        least = link.min_lag + (link.transfer if apart else 0)
        if y - x < least:
            yield Violation("precedence", f"{where}, min_lag", least - (y - x), "time units")
    if link.max_lag is not None and y - x > link.max_lag:
        yield Violation("precedence", f"{where}, max_lag", y - x - link.max_lag, "time units")


def _tier_value(problem: ScheduleProblem, tier: Tier, placed: dict[str, Placed]) -> int:
    ends = {
        job.id: [placed[task.id].end for task in job.tasks if task.id in placed]
        for job in problem.jobs
    }
    completions = {name: max(times) for name, times in ends.items() if times}
    jobs = tuple(job for job in problem.jobs if job.id in completions)
    return sum(
        term.weight
        * (
            _measure(term.measure, jobs, completions)
            if term.measure not in ("cost", "energy", "total_setup")
            else usage_value(term.measure, problem, placed)
        )
        for term in tier.terms
    )


def _measure(measure: str, jobs: tuple[Job, ...], completions: dict[str, int]) -> int:
    late = [(job.weight, completions[job.id] - job.due) for job in jobs if job.due is not None]
    match measure:
        case "makespan":
            return max(completions.values(), default=0)
        case "total_completion":
            return sum(job.weight * completions[job.id] for job in jobs)
        case "total_flow":
            return sum(job.weight * (completions[job.id] - job.release) for job in jobs)
        case "total_tardiness":
            return sum(weight * max(0, lateness) for weight, lateness in late)
        case "max_tardiness":
            return max([0, *(lateness for _, lateness in late)])
        case "max_lateness":
            return max((lateness for _, lateness in late), default=0)
        case "late_jobs":
            return sum(weight for weight, lateness in late if lateness > 0)
    raise ValueError(f"unknown measure {measure!r}")
