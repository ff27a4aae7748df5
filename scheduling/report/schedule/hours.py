"""When calendars close or slow down resources, and where tasks pause, as far as a chart goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.hours import shifts_of, unfolded_calendars
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.worktime import NORMAL, WorkTime, combine
from scheduling.report.schedule.placement import Placement

Spans = tuple[tuple[int, int], ...]

_MOST = 20_000
"""So many closed or slow times of one calendar are drawn; more are finer than any screen."""


def closed_hours(problem: ScheduleProblem, until: int) -> dict[str, Spans]:
    """Return the closed times of resources whose calendars are more than closed one-off breaks."""
    return _by_calendar(problem, lambda worktime: worktime.closed_between(0, until))


def slow_hours(problem: ScheduleProblem, until: int) -> dict[str, Spans]:
    """Return the times at which the calendars of resources slow work down without closing."""
    return _by_calendar(problem, lambda worktime: _slow_between(worktime, until))


def _by_calendar(
    problem: ScheduleProblem, find: Callable[[WorkTime], Iterator[tuple[int, int]]]
) -> dict[str, Spans]:
    calendars = {calendar.id: calendar for calendar in problem.calendars}
    kept = unfolded_calendars(problem)
    spans = {
        name: tuple(islice(find(combine([shifts_of(calendars[name])])), _MOST))
        for name in set(kept.values())
    }
    return {resource: spans[name] for resource, name in kept.items()}


def _slow_between(worktime: WorkTime, until: int) -> Iterator[tuple[int, int]]:
    now: int | None = 0
    while now is not None and now < until:
        _, end, speed = worktime.segment(now)
        if 0 < speed < NORMAL:
            yield now, until if end is None else min(end, until)
        now = end


def pauses(arrays: ScheduleArrays, placement: Placement, task: int) -> Spans:
    """Return the closed times that a task lies across."""
    run = arrays.runs[int(placement.mode[task])]
    if run is None or not run.pausing:
        return ()
    start, end = int(placement.start[task]), int(placement.end[task])
    return tuple(islice(run.worktime.closed_between(start, end), _MOST))


def merged(one: Spans, other: Spans) -> Spans:
    """Unite two lists of spans."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((*one, *other)):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)
