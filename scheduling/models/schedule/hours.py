"""Calendars in the arrays: as changes of capacity, or as working times of modes."""

from __future__ import annotations

from itertools import chain

from scheduling.models.schedule.problem import (
    Calendar,
    Machine,
    Pool,
    Renewable,
    ScheduleProblem,
)
from scheduling.models.schedule.worktime import NORMAL, Shifts, WorkTime, combine


def unfolded_calendars(problem: ScheduleProblem) -> dict[str, str]:
    """Return the calendar of each resource whose calendar is more than a change of capacity.

    Closed one-off breaks that none of a resource's users may pause in are a capacity of 0. Where
    some calendar speeds work up, all count, as the others hold it back.
    """
    fast = any(
        rest.efficiency > NORMAL
        for calendar in problem.calendars
        for rest in (*calendar.breaks, *calendar.periodic)
    )
    plain = {
        calendar.id: not calendar.periodic and not any(rest.efficiency for rest in calendar.breaks)
        for calendar in problem.calendars
    }
    pausing = {
        name
        for task in problem.tasks
        if task.interruptible
        for mode in task.modes
        if mode.duration > 0
        for name in (mode.machine, *(name for name, need in mode.demands.items() if need > 0))
    }
    return {
        resource.id: resource.calendar
        for resource in problem.resources
        if isinstance(resource, Machine | Pool | Renewable)
        and resource.calendar is not None
        and (fast or not plain[resource.calendar] or resource.id in pausing)
    }


def shifts_of(calendar: Calendar) -> Shifts:
    """Return a calendar as the working times see it."""
    rows = [
        tuple((rest.start, rest.end, rest.efficiency) for rest in windows)
        for windows in (calendar.breaks, calendar.periodic)
    ]
    return Shifts(rows[0], calendar.period or 1 if calendar.periodic else 1, rows[1])


def working_times(
    problem: ScheduleProblem, kept: dict[str, str]
) -> tuple[list[int], tuple[WorkTime, ...]]:
    """Return the number of each mode's working time, -1 without one, and the working times.

    Modes that work by the same calendars share one.
    """
    shifts = {calendar.id: shifts_of(calendar) for calendar in problem.calendars}
    numbers: dict[tuple[str, ...], int] = {}
    work = []
    for task in problem.tasks:
        for mode in task.modes:
            names = [name for name, amount in mode.demands.items() if amount > 0]
            names += [] if mode.machine is None else [mode.machine]
            used = tuple(sorted({kept[name] for name in names if name in kept}))
            known = mode.duration > 0 and bool(used)
            work.append(numbers.setdefault(used, len(numbers)) if known else -1)
        work += [-1] * task.optional
    worktimes = tuple(combine([shifts[name] for name in used]) for used in numbers)
    return work, worktimes


def capacity_profile(
    base: int, steps: list[tuple[int, int]], breaks: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Merge capacity steps and breaks into one step function that starts at 0."""
    moments = sorted({0, *(start for start, _ in steps), *chain.from_iterable(breaks)})
    profile: list[tuple[int, int]] = []
    level, step, rest = base, 0, 0
    for moment in moments:
        while step < len(steps) and steps[step][0] <= moment:
            level, step = steps[step][1], step + 1
        while rest < len(breaks) and breaks[rest][1] <= moment:
            rest += 1
        closed = rest < len(breaks) and breaks[rest][0] <= moment
        value = 0 if closed else level
        if not profile or profile[-1][1] != value:
            profile.append((moment, value))
    return profile
