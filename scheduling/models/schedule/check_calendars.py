"""The part of the checker that looks at working times: ends, breaks, pauses and time windows.

Work is counted here straight from the calendars of the problem, from one change of any efficiency
to the next.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import lcm

from scheduling.models.base import Violation
from scheduling.models.schedule.check_resources import Placed
from scheduling.models.schedule.problem import MAX_TIME, Break, Calendar, ScheduleProblem

_Stretch = tuple[int, int, int]
"""Start, end and efficiency of a stretch of time."""


def calendar_violations(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Yield every wrong end, every overlap with closed time, and every missed time window."""
    calendars = {calendar.id: calendar for calendar in problem.calendars}
    used = {
        resource.id: calendars[resource.calendar]
        for resource in problem.resources
        if resource.type in ("machine", "pool", "renewable") and resource.calendar is not None
    }
    for item in placed.values():
        task = item.task
        if task.windows and not any(
            w.start <= item.start and item.end <= w.end for w in task.windows
        ):
            yield Violation("window", f"task {task.id!r}")
        names = [name for name, amount in item.mode.demands.items() if amount > 0]
        names += [] if item.mode.machine is None else [item.mode.machine]
        mine = {name: used[name] for name in names if name in used}
        if not mine or item.mode.duration == 0 or item.end <= item.start:
            excess = abs(item.end - item.start - item.mode.duration)
            if excess:
                yield Violation("duration", f"task {task.id!r}", excess, "time units")
            continue
        if not task.interruptible:
            yield from _overlaps(item, mine)
        yield from _work(item, list({calendar.id: calendar for calendar in mine.values()}.values()))


def _overlaps(item: Placed, mine: dict[str, Calendar]) -> Iterator[Violation]:
    """Yield, of each resource, the first closed stretch that a task lies across."""
    for name, calendar in mine.items():
        for start, end, _ in _parts([calendar], item.start, item.end):
            rows = _stretches([calendar], start, end)
            closed = next((row for row in rows if row[2] == 0), None)
            if closed is not None:
                where = f"{name!r}: task {item.task.id!r}"
                yield Violation("break", where, closed[1] - closed[0], "time units")
                break


def _work(item: Placed, calendars: list[Calendar]) -> Iterator[Violation]:
    """Compare the work done from start to end, and until just before the end, with the duration.

    Closed time that a task may not overlap is reported as such, and counts as if it were open.
    """
    where, need = f"task {item.task.id!r}", 100 * item.mode.duration
    closed = 0 if item.task.interruptible else 100
    done = sum(
        repeats * (until - since) * (rate or closed)
        for start, end, repeats in _parts(calendars, item.start, item.end)
        for since, until, rate in _stretches(calendars, start, end)
    )
    first, last = (_state(calendars, time)[0] for time in (item.start, item.end - 1))
    if item.task.interruptible and first == 0:
        yield Violation("break", f"{where} starts in closed time")
    if item.task.interruptible and last == 0:
        yield Violation("break", f"{where} ends in closed time")
    if done < need:
        yield Violation("duration", f"{where}: work left", need - done, "percent")
    elif done - (last or closed) >= need:
        excess = done - (last or closed) - need
        yield Violation("duration", f"{where}: ends too late", excess + 1, "percent")


def _parts(calendars: Sequence[Calendar], start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Split a time at one-off windows, and what lies between into like periods and a rest.

    Yields the start and end of each part and how many times in a row it comes.
    """
    period = lcm(*(calendar.period or 1 for calendar in calendars if calendar.periodic))
    cuts = {start, end}
    for calendar in calendars:
        first = bisect_right(calendar.breaks, start, key=lambda rest: rest.end)
        stop = bisect_left(calendar.breaks, end, key=lambda rest: rest.start)
        for rest in calendar.breaks[first:stop]:
            cuts |= {max(start, rest.start), min(end, rest.end)}
    for since, until in pairwise(sorted(cuts)):
        repeats = (until - since) // period
        if repeats:
            yield since, since + period, repeats
        if since + repeats * period < until:
            yield since + repeats * period, until, 1


def _stretches(calendars: Sequence[Calendar], start: int, end: int) -> Iterator[_Stretch]:
    """Yield the stretches of one efficiency that ``[start, end)`` consists of."""
    now = start
    while now < end:
        rate, change = _state(calendars, now)
        yield now, min(end, change), rate
        now = change


def _state(calendars: Sequence[Calendar], now: int) -> tuple[int, int]:
    """Least efficiency at a moment, and a later moment until which it stays."""
    least: list[int] = []
    changes: list[int] = []
    for calendar in calendars:
        found = [_lookup(calendar.breaks, now)]
        if calendar.periodic and calendar.period:
            residue = now % calendar.period
            rate, change = _lookup(calendar.periodic, residue)
            found.append((rate, now - residue + min(change, calendar.period)))
        least.append(min((rate for rate, _ in found if rate is not None), default=100))
        changes += [change for _, change in found]
    return min(least), min(changes)


def _lookup(windows: tuple[Break, ...], now: int) -> tuple[int | None, int]:
    """Efficiency of the window that covers a moment, and the next moment at which that changes."""
    place = bisect_right(windows, now, key=lambda rest: rest.start)
    if place and now < windows[place - 1].end:
        return windows[place - 1].efficiency, windows[place - 1].end
    return None, windows[place].start if place < len(windows) else MAX_TIME**2
