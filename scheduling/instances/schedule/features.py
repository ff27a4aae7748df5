"""What a scheduling problem uses, so that writers can refuse what their format cannot hold."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.errors import UnsupportedError
from scheduling.models.base import Problem
from scheduling.models.schedule.objective import makespan
from scheduling.models.schedule.problem import Mode, Precedence, ScheduleProblem, Task

_PLURALS = {
    "machine": "machines",
    "pool": "pools of machines",
    "renewable": "renewables",
    "consumable": "consumables",
    "reservoir": "reservoirs",
}


def require(problem: Problem, name: str, holds: frozenset[str]) -> ScheduleProblem:
    """Return the problem if the format holds all that it uses.

    Parameters
    ----------
    problem
        The problem to write.
    name
        Name of the format.
    holds
        Features that the format holds, of those that :func:`features` names.

    Raises
    ------
    UnsupportedError
        Naming the first feature that the format cannot hold, and where it is used.
    """
    if not isinstance(problem, ScheduleProblem):
        raise UnsupportedError(f"format {name} holds problems of kind schedule only")
    for feature, where in features(problem):
        if feature not in holds:
            text = f"format {name} cannot hold {feature} ({where}): write .yaml or .json instead"
            raise UnsupportedError(text)
    return problem


def features(problem: ScheduleProblem) -> Iterator[tuple[str, str]]:
    """Yield each feature that the problem uses, with an example of where.

    The features are: machines, pools of machines, renewables, consumables, reservoirs, calendars,
    capacity steps, setups, several modes, modes without a machine, parallel tasks in a job,
    no-wait, blocking, same mode, interruptible tasks, time windows, precedences, time lags,
    transfers, transports, same order, disjunctions, no-idle machines, batching machines,
    blocking without swaps, optional tasks, alternatives, mode rules, costs, energy, release dates,
    deadlines, due dates, weights, objectives other than makespan.
    """
    yield from _resources(problem)
    yield from _jobs(problem)
    for link in problem.precedences:
        where = f"{link.before!r} to {link.after!r}"
        yield ("time lags" if has_lags(link) else "precedences"), where
        if link.transfer:
            yield "transfers", where
    for move in problem.transports:
        yield "transports", f"{move.origin!r} to {move.destination!r}"
    for group in problem.same_order:
        yield "same order", ", ".join(map(repr, group))
    if not problem.swap and any(job.blocking for job in problem.jobs):
        yield "blocking without swaps", "swap: false"
    for group in problem.disjunctions:
        yield "disjunctions", ", ".join(map(repr, group))
    for entry in problem.alternatives:
        yield "alternatives", ", ".join(repr(name) for route in entry.routes for name in route)
    for rule in problem.mode_rules:
        yield "mode rules", f"{rule.task!r} and {rule.other!r}"
    if problem.objective != makespan():
        yield "objectives other than makespan", problem.objective.tiers[0].name


def has_lags(link: Precedence) -> bool:
    """Tell whether a precedence is more than "after the end of"."""
    return link.kind != "end-start" or link.min_lag != 0 or link.max_lag is not None


def demands(mode: Mode) -> dict[str, int]:
    """Return a mode's demands that are above 0."""
    return {name: amount for name, amount in mode.demands.items() if amount}


def _resources(problem: ScheduleProblem) -> Iterator[tuple[str, str]]:
    breaks = {entry.id for entry in problem.calendars if entry.breaks or entry.periodic}
    for resource in problem.resources:
        yield _PLURALS[resource.type], repr(resource.id)
        if resource.type in ("machine", "pool", "renewable") and resource.calendar in breaks:
            yield "calendars", repr(resource.id)
        if resource.type == "machine" and any(entry.time for entry in resource.setups):
            yield "setups", repr(resource.id)
        if resource.type == "machine" and resource.idle_power:
            yield "energy", repr(resource.id)
        if resource.type == "machine" and resource.no_idle:
            yield "no-idle machines", repr(resource.id)
        if resource.type == "machine" and resource.batch is not None:
            yield "batching machines", repr(resource.id)
        if resource.type == "renewable" and resource.steps:
            yield "capacity steps", repr(resource.id)


def _jobs(problem: ScheduleProblem) -> Iterator[tuple[str, str]]:
    for job in problem.jobs:
        where = f"job {job.id!r}"
        if not job.chain and len(job.tasks) > 1:
            yield "parallel tasks in a job", where
        if job.release or any(task.release for task in job.tasks):
            yield "release dates", where
        if job.deadline is not None or any(task.deadline is not None for task in job.tasks):
            yield "deadlines", where
        if job.due is not None:
            yield "due dates", where
        if job.weight != 1:
            yield "weights", where
        for name, found in (
            ("no-wait", job.no_wait),
            ("blocking", job.blocking),
            ("same mode", job.same_mode),
        ):
            if found and len(job.tasks) > 1:
                yield name, where
        for task in job.tasks:
            yield from _task(task)


def _task(task: Task) -> Iterator[tuple[str, str]]:
    where = f"task {task.id!r}"
    if len(task.modes) > 1:
        yield "several modes", where
    if task.optional:
        yield "optional tasks", where
    for name in ("cost", "energy"):
        if any(getattr(mode, name) for mode in task.modes):
            yield ("costs" if name == "cost" else name), where
    if task.interruptible:
        yield "interruptible tasks", where
    if task.windows:
        yield "time windows", where
    if any(mode.machine is None for mode in task.modes):
        yield "modes without a machine", where
