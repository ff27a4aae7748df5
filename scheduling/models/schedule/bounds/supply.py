"""How much a resource can deliver over time: the integral of its capacity, and its inverse.

Amounts of work are Python integers: a product of a duration and a demand may exceed 64 bits.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from scheduling.models.schedule.worktime import WorkTime

Steps = Sequence[tuple[int, int]]


class Supply:
    """Work ``A(t)`` that a resource can do in ``[0, t)`` when it is never idle.

    Parameters
    ----------
    steps
        ``(start, capacity)`` over time; the first starts at 0.
    """

    def __init__(self, steps: Steps) -> None:
        self._starts = [start for start, _ in steps]
        self._levels = [level for _, level in steps]
        self._totals = [0]
        for index in range(len(steps) - 1):
            span = self._starts[index + 1] - self._starts[index]
            self._totals.append(self._totals[-1] + span * self._levels[index])

    @property
    def constant(self) -> bool:
        """Whether the capacity never changes."""
        return len(self._starts) == 1

    @property
    def peak(self) -> int:
        """Largest capacity."""
        return max(self._levels)

    def limit(self) -> int | None:
        """Work that can be done in all time; ``None`` when there is no limit."""
        return None if self._levels[-1] > 0 else self._totals[-1]

    def work(self, times: Iterable[int]) -> list[int]:
        """Return ``A(t)`` of each time; 0 for negative times."""
        if self.constant:
            level = self._levels[0]
            return [max(time, 0) * level for time in times]
        return [self._work(max(time, 0)) for time in times]

    def _work(self, time: int) -> int:
        index = bisect_right(self._starts, time) - 1
        return self._totals[index] + (time - self._starts[index]) * self._levels[index]

    def _locate(self, work: int) -> tuple[int, int, int]:
        """Return the last step before ``work`` is done, what is missing there, and its level."""
        index = max(bisect_left(self._totals, work) - 1, 0)
        return self._starts[index], work - self._totals[index], self._levels[index]

    def moment(self, work: int) -> int:
        """Return the least integer t with ``A(t) >= work``; ``work`` must not exceed the limit."""
        start, missing, level = self._locate(work)
        return start if missing <= 0 else start - (-missing // level)

    def instant(self, work: int) -> float:
        """Return the least real t with ``A(t) >= work``; ``work`` must not exceed the limit."""
        start, missing, level = self._locate(work)
        return float(start) if missing <= 0 else start + missing / level


class WorkSupply(Supply):
    """Work that is done by a working time in ``[0, t)``, 100 a unit of time at normal speed.

    Parameters
    ----------
    worktime
        The working time.
    """

    def __init__(self, worktime: WorkTime) -> None:
        self._worktime = worktime

    @property
    def constant(self) -> bool:
        """Whether the speed never changes."""
        return len(self._worktime.speeds) == 1

    @property
    def peak(self) -> int:
        """Largest speed."""
        return max(1, *self._worktime.speeds)

    def limit(self) -> int | None:
        """Work that can be done in all time; ``None`` when there is no limit."""
        work = self._worktime.work
        return None if work.grows else work.at(self._worktime.last_change)

    def work(self, times: Iterable[int]) -> list[int]:
        """Return ``A(t)`` of each time; 0 for negative times."""
        return [self._worktime.work.at(time) for time in times]

    def moment(self, work: int) -> int:
        """Return the least integer t with ``A(t) >= work``; ``work`` must not exceed the limit."""
        return self._worktime.work.reach(work) or 0

    def instant(self, work: int) -> float:
        """Return the least real t with ``A(t) >= work``; ``work`` must not exceed the limit."""
        end = self.moment(work)
        if end == 0:
            return 0.0
        surplus = self._worktime.work.at(end) - work
        return end - surplus / self._worktime.segment(end - 1)[2]


def total(profiles: Sequence[Steps]) -> Steps:
    """Add the capacities of several resources over time."""
    if len(profiles) == 1:
        return profiles[0]
    changes: dict[int, int] = {0: 0}
    for steps in profiles:
        level = 0
        for start, value in steps:
            changes[start] = changes.get(start, 0) + value - level
            level = value
    merged, level = [], 0
    for start in sorted(changes):
        level += changes[start]
        merged.append((start, level))
    return merged


def first_fit(steps: Steps, start: int, length: int, amount: int) -> int | None:
    """Return the first time from ``start`` on with ``amount`` units for ``length`` time.

    Returns
    -------
    int or None
        ``None`` when there is no such time.
    """
    begin: int | None = None
    for index, (moment, level) in enumerate(steps):
        end = steps[index + 1][0] if index + 1 < len(steps) else None
        if end is not None and end <= start:
            continue
        if level < amount:
            begin = None
            continue
        begin = max(moment, start) if begin is None else begin
        if end is None or end - begin >= length:
            return begin
    return None
