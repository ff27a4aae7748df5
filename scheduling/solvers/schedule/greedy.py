"""A first schedule without compiled code: serial generation in plain Python, one pass.

Good for an answer within a tenth of a second before any engine is loaded. It keeps every
constraint but maximal lags, backward relations and deadlines, which it can only happen to meet:
the caller checks (:func:`respects_limits`).
"""

from __future__ import annotations

from bisect import bisect_right
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    NEVER,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.solvers.schedule.family import Candidate


class _Timeline:
    """Free capacity of one resource as a step function; neighbours of equal level are merged."""

    __slots__ = ("levels", "times")

    def __init__(self, steps: list[tuple[int, int]]) -> None:
        self.times = [start for start, _ in steps]
        self.levels = [level for _, level in steps]

    def fit(self, amount: int, time: int, length: int) -> int | None:
        """Earliest start from ``time`` on with ``amount`` units for ``length``."""
        times, levels = self.times, self.levels
        i = bisect_right(times, time) - 1
        size = len(times)
        while i < size and times[i] < time + length:
            if levels[i] < amount:
                i += 1
                while i < size and levels[i] < amount:
                    i += 1
                if i == size:
                    return None
                time = times[i]
            i += 1
        return time

    def take(self, amount: int, time: int, length: int) -> None:
        """Lower the level in ``[time, time + length)``."""
        times, levels = self.times, self.levels
        first = self._cut(time)
        last = self._cut(time + length)
        for i in range(first, last):
            levels[i] -= amount
        for i in (last, first):
            if i > 0 and levels[i] == levels[i - 1]:
                del times[i], levels[i]

    def _cut(self, time: int) -> int:
        i = bisect_right(self.times, time) - 1
        if self.times[i] != time:
            i += 1
            self.times.insert(i, time)
            self.levels.insert(i, self.levels[i - 1])
        return i


def greedy_schedule(arrays: ScheduleArrays, priority: Ints) -> Candidate | None:
    """Place the ready task with the lowest ``priority`` as early as it fits, until none is left.

    Each task takes the mode that ends first among those that leave enough of the consumables for
    the rest. ``None`` when a task fits nowhere or minimal lags run in a circle.
    """
    links = _minimal_lags(arrays)
    waiting = [len(rows) for rows in links]
    followers: list[list[int]] = [[] for _ in links]
    for task, rows in enumerate(links):
        for row in rows:
            followers[row[0]].append(task)
    rank = priority.tolist()
    ready = [(rank[task], task) for task, count in enumerate(waiting) if count == 0]
    heapify(ready)
    builder = Builder(arrays)
    placed = 0
    while ready:
        task = heappop(ready)[1]
        if not builder.place(task, links[task]):
            return None
        placed += 1
        for follower in followers[task]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heappush(ready, (rank[follower], follower))
    if placed < len(rank):
        return None
    return Candidate(np.array(builder.start, np.int64), np.array(builder.mode, np.int64))


class Builder:
    """The schedule of a pass: what resources have left, and what consumables are spoken for."""

    def __init__(self, arrays: ScheduleArrays) -> None:
        n = arrays.n_tasks
        self.start = [0] * n
        self.end = [0] * n
        self.mode = [0] * n
        self.release = arrays.release.tolist()
        self.mode_ptr = arrays.mode_ptr.tolist()
        self.duration = arrays.duration.tolist()
        kinds = arrays.resource_type.tolist()
        self.lines = [
            None if kind == CONSUMABLE else _Timeline(arrays.steps(r))
            for r, kind in enumerate(kinds)
        ]
        demands = [arrays.demands(mode) for mode in range(len(self.duration))]
        self.needs = [[row for row in rows if kinds[row[0]] != CONSUMABLE] for rows in demands]
        for mode, machine in enumerate(arrays.machine.tolist()):
            if machine >= 0:
                self.needs[mode].append((machine, 1))
        self.uses = [[row for row in rows if kinds[row[0]] == CONSUMABLE] for rows in demands]
        self.spare = {r: int(arrays.capacity[r]) for r, k in enumerate(kinds) if k == CONSUMABLE}
        self._reserve_least()

    def _reserve_least(self) -> None:
        """Set aside, task by task, the least that any of its modes uses of each consumable."""
        self.least: list[dict[int, int]] = []
        for first, end in zip(self.mode_ptr, self.mode_ptr[1:], strict=False):
            rows = [dict(self.uses[mode]) for mode in range(first, end)] if self.spare else []
            least = {r: min(row.get(r, 0) for row in rows) for r in self.spare}
            for r, amount in least.items():
                self.spare[r] -= amount
            self.least.append(least)

    def place(self, task: int, links: list[tuple[int, bool, bool, int]]) -> bool:
        """Place a task in the mode that ends first; false when none fits."""
        best: tuple[int, int, int] | None = None
        for mode in range(self.mode_ptr[task], self.mode_ptr[task + 1]):
            if not self.affordable(task, mode):
                continue
            time = self.fit(mode, self._low(task, mode, links))
            if time is not None and (best is None or time + self.duration[mode] < best[0]):
                best = time + self.duration[mode], time, mode
        if best is None:
            return False
        end, time, mode = best
        self.start[task], self.end[task], self.mode[task] = time, end, mode
        self.occupy(mode, time, 1)
        self.spend(task, mode)
        return True

    def occupy(self, mode: int, time: int, sign: int) -> None:
        """Take what a mode needs of resources from ``time`` on; with sign -1 give it back."""
        length = self.duration[mode]
        for resource, amount in self.needs[mode] if length else ():
            line = self.lines[resource]
            if line is not None:
                line.take(sign * amount, time, length)

    def spend(self, task: int, mode: int) -> None:
        """Take from the consumables what a mode uses above the least of its task."""
        for resource, amount in self.uses[mode]:
            self.spare[resource] -= amount - self.least[task][resource]

    def affordable(self, task: int, mode: int) -> bool:
        """Whether a mode leaves enough of the consumables for all other tasks."""
        return all(
            amount - self.least[task][resource] <= self.spare[resource]
            for resource, amount in self.uses[mode]
        )

    def _low(self, task: int, mode: int, links: list[tuple[int, bool, bool, int]]) -> int:
        low: int = self.release[task]
        for before, from_end, to_end, lag in links:
            time = (self.end if from_end else self.start)[before] + lag
            low = max(low, time - self.duration[mode] if to_end else time)
        return low

    def fit(self, mode: int, low: int) -> int | None:
        """Earliest start from ``low`` on at which all resources have what a mode needs."""
        length = self.duration[mode]
        if length == 0:
            return low
        moved = True
        while moved:
            moved = False
            for resource, amount in self.needs[mode]:
                line = self.lines[resource]
                time = None if line is None else line.fit(amount, low, length)
                if time is None:
                    return None
                if time > low:
                    low, moved = time, len(self.needs[mode]) > 1
        return low


def _minimal_lags(arrays: ScheduleArrays) -> list[list[tuple[int, bool, bool, int]]]:
    """Relations into each task as ``(before, from its end, to the end, lag)``."""
    links: list[list[tuple[int, bool, bool, int]]] = [[] for _ in range(arrays.n_tasks)]
    rows = zip(
        arrays.link_before.tolist(),
        arrays.link_after.tolist(),
        arrays.link_kind.tolist(),
        arrays.link_min.tolist(),
        strict=True,
    )
    for before, after, kind, lag in rows:
        if lag > -NEVER:
            row = (before, kind in (END_START, END_END), kind in (END_END, START_END), lag)
            links[after].append(row)
    return links


def lag_sides(arrays: ScheduleArrays) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each relation counts from the end of its first task, and to that of its second."""
    kind = arrays.link_kind
    from_end = (kind == END_START) | (kind == END_END)
    return from_end, (kind == END_END) | (kind == START_END)


def respects_limits(arrays: ScheduleArrays, candidate: Candidate) -> bool:
    """Whether deadlines and both sides of all lags hold."""
    end = candidate.start + arrays.duration[candidate.mode]
    before, after = arrays.link_before, arrays.link_after
    from_end, to_end = lag_sides(arrays)
    gap = np.where(to_end, end[after], candidate.start[after])
    gap -= np.where(from_end, end[before], candidate.start[before])
    lags = np.all((gap >= arrays.link_min) & (gap <= arrays.link_max))
    return bool(lags and np.all(end <= arrays.deadline))
