"""What tiny problems say about times: speeds, capacities, relations, a horizon."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import lcm

from scheduling.models.schedule.problem import (
    Machine,
    Mode,
    Pool,
    Renewable,
    Resource,
    ScheduleProblem,
)

SKIPPED = Mode(duration=0)
"""Stands for the mode of a task that is skipped; such a task is taken to start at 0."""

Relation = tuple[int, bool, int, bool, int]
"""``(i, x, j, y, lag)``: ``y(j) >= x(i) + lag``, where a true x or y is an end, a false a start."""


def speed(problem: ScheduleProblem, mode: Mode, time: int) -> int:
    """Work that a mode does in the unit of time from ``time`` on."""
    names = {name for name, amount in mode.demands.items() if amount > 0} | {mode.machine}
    calendars = {
        resource.calendar
        for resource in problem.resources
        if isinstance(resource, Machine | Pool | Renewable) and resource.id in names
    }
    speed = 10**9
    for calendar in problem.calendars:
        if calendar.id not in calendars:
            continue
        covering = [rest for rest in calendar.breaks if rest.start <= time < rest.end]
        residue = time % (calendar.period or 1)
        covering += [rest for rest in calendar.periodic if rest.start <= residue < rest.end]
        speed = min(speed, min((rest.efficiency for rest in covering), default=100))
    return 100 if speed == 10**9 else speed


def end_of(speeds: list[int], start: int, work: int, *, pausing: bool) -> int | None:
    """When some work is done that starts at a moment; ``None`` if it may not."""
    if work == 0:
        return start
    if speeds[start] == 0:
        return None
    for time in range(start, len(speeds)):
        if speeds[time] == 0 and not pausing:
            return None
        work -= speeds[time]
        if work <= 0:
            return time + 1
    return None


def capacity(problem: ScheduleProblem, resource: Resource, time: int) -> int:
    assert isinstance(resource, Machine | Pool | Renewable)
    if isinstance(resource, Machine):
        return resource.batch or 1
    if isinstance(resource, Pool):
        return resource.count
    level = resource.capacity
    for step in resource.steps:
        if step.start <= time:
            level = step.capacity
    return level


def relations(
    problem: ScheduleProblem, index: dict[str, int], modes: tuple[Mode, ...]
) -> Iterator[Relation]:
    moves = {(entry.origin, entry.destination): entry.time for entry in problem.transports}
    for job in problem.jobs:
        if job.chain:
            running = [task for task in job.tasks if modes[index[task.id]] is not SKIPPED]
            for before, after in pairwise(running):
                i, j = index[before.id], index[after.id]
                machines = modes[i].machine, modes[j].machine
                yield i, True, j, False, moves.get((machines[0] or "", machines[1] or ""), 0)
                if job.no_wait:
                    yield j, False, i, True, 0
    for link in problem.precedences:
        i, j = index[link.before], index[link.after]
        if modes[i] is SKIPPED or modes[j] is SKIPPED:
            continue
        x, y = (side == "end" for side in link.kind.split("-"))
        if link.min_lag is not None:
            apart = modes[i].machine != modes[j].machine
            yield i, x, j, y, link.min_lag + (link.transfer if apart else 0)
        if link.max_lag is not None:
            yield j, y, i, x, -link.max_lag


def horizon(problem: ScheduleProblem) -> int:
    """Everything is open after the last event; then at worst tasks and lags run one by one.

    With periodic calendars each task may have to wait for a whole common period, and takes at most
    so many periods as it has units of work at the slowest speed.
    """
    events = [max(job.release, task.release) for job in problem.jobs for task in job.tasks]
    events += [window.start for task in problem.tasks for window in task.windows]
    events += [rest.end for calendar in problem.calendars for rest in calendar.breaks]
    for resource in problem.resources:
        if isinstance(resource, Renewable):
            events += [step.start for step in resource.steps]
    total = max(events)
    slowest = min(
        (r.efficiency for c in problem.calendars for r in (*c.breaks, *c.periodic) if r.efficiency),
        default=100,
    )
    period = lcm(*(calendar.period or 1 for calendar in problem.calendars if calendar.periodic))
    stretched = period * -(-100 // min(100, slowest)) if problem.calendars else 1
    work = sum(max(mode.duration for mode in task.modes) for task in problem.tasks)
    total += work * stretched + (period > 1) * period * len(problem.tasks)
    for link in problem.precedences:
        total += max(0, link.min_lag or 0) + max(0, -(link.max_lag or 0)) + link.transfer
    setups = [s.time for r in problem.resources if isinstance(r, Machine) for s in r.setups]
    moves = [entry.time for entry in problem.transports]
    each = max(setups, default=0) + max(moves, default=0)
    each += any(job.blocking for job in problem.jobs)
    return total + each * len(problem.tasks)
