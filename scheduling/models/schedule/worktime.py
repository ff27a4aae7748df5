"""Working times of modes: how fast work goes at every moment, and when a task ends.

The speed at a moment is the least efficiency of all calendars that a mode works by. It is kept as
eras, in each of which a pattern repeats: one-off windows open and close eras, so the document's
size bounds all work here, never the length of time that a schedule spans.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm

from scheduling.models.schedule.integral import Eras, Integral, Pattern

NORMAL = 100
"""Work that is done in a unit of time outside all windows."""

MOST_PIECES = 200_000
"""So many pieces of starts are looked at one by one, at about 10 microseconds each."""

Row = tuple[int, int, int]
"""Start, end and efficiency of a window."""


@dataclass(frozen=True)
class Shifts:
    """One calendar: windows that are there once, and those that come back every period."""

    once: tuple[Row, ...]
    period: int
    periodic: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Starts ``first..last`` whose runs begin and end in the same segments.

    What a run from s must still do at ``origin`` is ``need + slope * (s - first)``; it goes on from
    there at ``speed``. Where ``slope == speed`` all runs take the same time.
    """

    first: int
    last: int
    origin: int
    need: int
    slope: int
    speed: int

    def end(self, start: int) -> int:
        """End of the run from a start of the piece."""
        return self.origin - (-(self.need + self.slope * (start - self.first)) // self.speed)

    def lengths(self) -> tuple[int, int]:
        """Least and largest time that runs of the piece take, at most 1 apart from the truth."""
        one, other = self.end(self.first) - self.first, self.end(self.last) - self.last
        loose = int(self.slope != self.speed and self.last > self.first)
        return min(one, other) - loose, max(one, other) + loose

    def moved(self, shift: int) -> Piece:
        """Return the piece earlier by ``shift``."""
        return Piece(
            self.first - shift,
            self.last - shift,
            self.origin - shift,
            self.need,
            self.slope,
            self.speed,
        )


class WorkTime:
    """Speed over time.

    Parameters
    ----------
    eras
        Pattern of the speed from each moment on.
    """

    def __init__(self, eras: Eras) -> None:
        self.eras = eras
        self.work = Integral(eras)
        self._closed = Integral(tuple((start, _shut(pattern)) for start, pattern in eras))
        self._runs: dict[tuple[int, bool], Run] = {}

    @property
    def period(self) -> int:
        """Period of the pattern that goes on for ever."""
        return self.base.period

    @property
    def last_change(self) -> int:
        """From here on nothing happens but the pattern."""
        return self.eras[-1][0]

    @property
    def base(self) -> Pattern:
        """The pattern that goes on for ever."""
        return self.eras[-1][1]

    @cached_property
    def speeds(self) -> frozenset[int]:
        """All speeds that occur."""
        return frozenset(value for _, pattern in self.eras for value in pattern.value)

    def run(self, duration: int, *, pausing: bool) -> Run:
        """Return how tasks of a duration above 0 run; the same object for the same question."""
        key = duration, pausing
        if key not in self._runs:
            self._runs[key] = Run(self, duration, pausing=pausing)
        return self._runs[key]

    def open_from(self, time: int) -> int | None:
        """First moment from ``time`` on at which work goes on."""
        found = self.work.reach(self.work.at(time) + 1)
        return None if found is None else found - 1

    def closed_from(self, time: int) -> int | None:
        """First moment from ``time`` on at which no work goes on."""
        found = self._closed.reach(self._closed.at(time) + 1)
        return None if found is None else found - 1

    def open_since(self, time: int) -> int:
        """Start of the open stretch that ends with the moment before ``time``, else ``time``."""
        return int(self._closed.reach(self._closed.at(time)) or 0)

    def era(self, time: int) -> int:
        """Return the number of the era of a moment."""
        return bisect_right(self.eras, time, key=lambda entry: entry[0]) - 1

    def segment(self, time: int) -> tuple[int, int | None, int]:
        """Start, end (``None``: never) and speed of the segment of a moment."""
        number = self.era(time)
        opening, pattern = self.eras[number]
        closing = self.eras[number + 1][0] if number + 1 < len(self.eras) else None
        if pattern.constant:
            return opening, closing, pattern.value[0]
        base, place = pattern.place(time)
        start = base + pattern.start[place]
        last = place + 1 == len(pattern.start)
        end = base + (pattern.period if last else pattern.start[place + 1])
        end = end if closing is None else min(end, closing)
        return max(start, opening), end, pattern.value[place]

    def closed_between(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the closed stretches inside ``[start, end)``."""
        now = self.closed_from(start)
        while now is not None and now < end:
            reopening = self.open_from(now)
            yield now, end if reopening is None else min(end, reopening)
            now = None if reopening is None else self.closed_from(reopening)


class Run:
    """How a task of one duration runs by a working time.

    Parameters
    ----------
    worktime
        The working time.
    duration
        Duration of the mode, above 0.
    pausing
        Whether the task may pause in closed times.
    """

    def __init__(self, worktime: WorkTime, duration: int, *, pausing: bool) -> None:
        self.worktime = worktime
        self.duration = duration
        self.amount = NORMAL * duration
        self.pausing = pausing
        self._good: dict[int, list[int]] = {}
        self.elastic = bool(worktime.speeds - {0, NORMAL}) or (pausing and 0 in worktime.speeds)

    def finish(self, start: int) -> int | None:
        """First moment at which the work from ``start`` on is done."""
        work = self.worktime.work
        return work.reach(work.at(start) + self.amount)

    def ends_after(self, time: int) -> int:
        """First start, allowed or not, from which the work is not done before ``time``."""
        work = self.worktime.work
        return int(work.reach(work.at(time - 1) - self.amount + 1) or 0)

    def next_start(self, low: int) -> int | None:
        """Earliest start from ``low`` on that the working time allows; ``None`` without one."""
        worktime = self.worktime
        start = worktime.open_from(low)
        if self.pausing or start is None:
            return None if start is None or self.finish(start) is None else start
        while start is not None:
            closing = worktime.closed_from(start)
            end = self.finish(start)
            if end is not None and (closing is None or end <= closing):
                return start
            if closing is None:
                return None
            later = self._promising(closing)
            start = None if later is None else worktime.open_from(later)
        return None

    def last_start(self, high: int) -> int | None:
        """Latest start up to ``high`` that the working time allows; ``None`` without one."""
        span = 1
        while True:
            low = max(0, high - span + 1)
            found = list(self.pieces(low, high))
            if found or low == 0:
                return found[-1].last if found else None
            span *= 4

    def _promising(self, closing: int) -> int | None:
        """Next moment after a closing at which a stretch may be long enough."""
        worktime = self.worktime
        number = worktime.era(closing)
        pattern = worktime.eras[number][1]
        if id(pattern) not in self._good:
            self._good[id(pattern)] = _long_stretches(pattern, self.amount)
        good = self._good[id(pattern)]
        found: int | None = None
        if good:
            base = closing - closing % pattern.period
            place = bisect_left(good, closing - base)
            found = base + good[place] if place < len(good) else base + pattern.period + good[0]
        if number + 1 == len(worktime.eras):
            return found
        border = worktime.eras[number + 1][0]
        if found is not None and found < border:
            return found
        return max(closing, min(worktime.open_since(border), border))

    def pieces(self, low: int, high: int) -> Iterator[Piece]:
        """Yield all allowed starts in ``[low, high]``, in pieces of one shape."""
        worktime = self.worktime
        start = self.next_start(low)
        while start is not None and start <= high:
            end = self.finish(start)
            if end is None:
                return
            _, here, slope = worktime.segment(start)
            origin, there, speed = worktime.segment(end - 1)
            need = self.amount - (worktime.work.at(origin) - worktime.work.at(start))
            last = high if here is None else min(high, here - 1)
            if there is not None:
                last = min(last, start + (speed * (there - origin) - need) // slope)
            yield Piece(start, last, origin, need, slope, speed)
            start = self.next_start(last + 1)

    @cached_property
    def regular(self) -> tuple[Piece, ...]:
        """Pieces of one period in which no one-off window matters, from time 0 on."""
        period = self.worktime.period
        first = -(-self.worktime.last_change // period) * period
        return tuple(piece.moved(first) for piece in self.pieces(first, first + period - 1))

    @cached_property
    def zones(self) -> tuple[tuple[int, int], ...]:
        """Closed intervals of starts, sorted and disjoint, that one-off windows matter to."""
        worktime = self.worktime
        plain = WorkTime(((0, worktime.base),)).run(self.duration, pausing=self.pausing)
        found: list[tuple[int, int]] = []
        for number, (start, pattern) in enumerate(worktime.eras[:-1]):
            if pattern == worktime.base:
                continue
            low = min(start, plain.ends_after(start + 1))
            high = worktime.eras[number + 1][0] - 1
            if found and low <= found[-1][1] + 1:
                found[-1] = min(found[-1][0], low), high
            else:
                found.append((low, high))
        return tuple(found)

    @cached_property
    def crowd(self) -> int:
        """About how many pieces there are, those of the zones included."""
        worktime = self.worktime
        segments = 2 * max(len(pattern.start) for _, pattern in worktime.eras)
        if segments == 2:
            return 4 * len(worktime.eras)
        periods = sum((high - low) // worktime.period + 1 for low, high in self.zones)
        return segments * (periods + 1)

    @cached_property
    def _lengths(self) -> tuple[int, int]:
        """Least and largest time from start to end."""
        if self.crowd > MOST_PIECES:
            return self._rough_lengths()
        pieces = list(self.regular)
        for low, high in self.zones:
            pieces += self.pieces(low, high)
        lengths = [piece.lengths() for piece in pieces]
        if not lengths:
            return self.duration, self.duration
        return min(low for low, _ in lengths), max(high for _, high in lengths)

    def _rough_lengths(self) -> tuple[int, int]:
        """Bound the time from start to end by the fastest speed, and by all work that is lost."""
        worktime, period = self.worktime, self.worktime.period
        shortest = -(-self.amount // max(1, *worktime.speeds))
        plain = WorkTime(((0, worktime.base),)).work
        total = plain.at(period)
        if total == 0:
            return shortest, worktime.last_change
        missed = self.amount + plain.at(worktime.last_change)
        return shortest, (-(-missed // total) + 1) * period

    @property
    def shortest(self) -> int:
        """A time that no run falls below."""
        return self._lengths[0] if self.elastic else self.duration

    @property
    def longest(self) -> int:
        """A time that no run exceeds."""
        return self._lengths[1] if self.elastic else self.duration

    @cached_property
    def wait(self) -> int:
        """Longest time until the next allowed start, once nothing is one-off."""
        wait, last = 0, -1
        for piece in (*self.regular, *(p.moved(-self.worktime.period) for p in self.regular[:1])):
            wait = max(wait, piece.first - last - 1)
            last = piece.last
        return wait


def combine(calendars: Sequence[Shifts]) -> WorkTime:
    """Return the working time of modes that work by some calendars."""
    period = lcm(*(entry.period for entry in calendars))
    cuts = sorted({0, *(time for entry in calendars for row in entry.once for time in row[:2])})
    patterns: dict[tuple[int | None, ...], Pattern] = {}
    eras: list[tuple[int, Pattern]] = []
    for cut in cuts:
        active = tuple(_active(entry.once, cut) for entry in calendars)
        if active not in patterns:
            patterns[active] = _pattern(calendars, active, period)
        if not eras or eras[-1][1] != patterns[active]:
            eras.append((cut, patterns[active]))
    return WorkTime(tuple(eras))


def _active(rows: tuple[Row, ...], time: int) -> int | None:
    """Efficiency of the window that covers a moment."""
    place = bisect_right(rows, time, key=lambda row: row[0]) - 1
    return rows[place][2] if place >= 0 and time < rows[place][1] else None


def _pattern(calendars: Sequence[Shifts], active: tuple[int | None, ...], period: int) -> Pattern:
    """Least speed of all calendars over their common period, within some one-off windows."""
    # Of a window that ends and one that starts at the same moment, the start comes last.
    changes: dict[int, list[tuple[bool, int, int]]] = {0: []}
    speeds = [NORMAL] * len(calendars)
    for number, (entry, once) in enumerate(zip(calendars, active, strict=True)):
        outside = speeds[number] = NORMAL if once is None else once
        for base in range(0, period, entry.period) if entry.periodic else ():
            for start, end, speed in entry.periodic:
                inside = speed if once is None else min(speed, once)
                changes.setdefault(base + start, []).append((True, number, inside))
                changes.setdefault(base + end, []).append((False, number, outside))
    changes.pop(period, None)
    starts: list[int] = []
    values: list[int] = []
    for time in sorted(changes):
        for _, number, speed in sorted(changes[time]):
            speeds[number] = speed
        least = min(speeds)
        if not values or values[-1] != least:
            starts.append(time)
            values.append(least)
    return Pattern(1 if len(starts) == 1 else period, tuple(starts), tuple(values))


def _shut(pattern: Pattern) -> Pattern:
    """Return 1 where a pattern is 0, else 0."""
    return Pattern(pattern.period, pattern.start, tuple(int(v == 0) for v in pattern.value))


def _long_stretches(pattern: Pattern, amount: int) -> list[int]:
    """Where in its period a pattern opens stretches that carry an amount of work."""
    count = len(pattern.start)
    ends = [*pattern.start[1:], pattern.period]
    found = []
    for place in range(count):
        if pattern.value[place] == 0 or pattern.value[place - 1] > 0:
            continue
        done, at = 0, place
        while pattern.value[at % count] and done < amount and at < place + count:
            done += pattern.value[at % count] * (ends[at % count] - pattern.start[at % count])
            at += 1
        if done >= amount:
            found.append(pattern.start[place])
    return found
