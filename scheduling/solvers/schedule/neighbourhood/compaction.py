"""Move a schedule's tasks to the left without changing their order on any resource."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from scheduling.models.schedule.arrays import (
    END_END,
    END_START,
    NEVER,
    RENEWABLE,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.features import SAME_MODE, WORKING_TIMES


class Compactor:
    """Semi-active schedules: every task as early as its predecessors and its resources allow.

    Tasks are taken in the order of their starts, and each of a resource's units goes on to the
    next task in that order, so a task never has to be later than it was. Tasks that an earlier
    start could make invalid (those under a maximal lag, with time windows, or on a resource whose
    capacity changes) stay where they are; others start as soon as their calendars let them. In
    problems with setups, reservoirs or other rules under which the moment of one task matters to
    tasks that follow neither it nor its resources, all stay.
    """

    def __init__(self, arrays: ScheduleArrays) -> None:
        self._arrays = arrays
        self._movable = not arrays.features - WORKING_TIMES - {SAME_MODE}
        minimal = np.flatnonzero(arrays.link_min > -NEVER)
        order = minimal[np.argsort(arrays.link_after[minimal], kind="stable")]
        counts = np.bincount(arrays.link_after[minimal], minlength=arrays.n_tasks)
        self._pointer: list[int] = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self._before: list[int] = arrays.link_before[order].tolist()
        kind, low = arrays.link_kind[order], arrays.link_min[order]
        self._low: list[int] = low.tolist()
        self._from_end: list[bool] = ((kind == END_START) | (kind == END_END)).tolist()
        self._to_end: list[bool] = ((kind == END_END) | (kind == START_END)).tolist()
        self._pinned = self._pinned_tasks()

    def _pinned_tasks(self) -> list[bool]:
        arrays = self._arrays
        pinned = np.zeros(arrays.n_tasks, bool)
        limited = arrays.link_max < NEVER
        pinned[arrays.link_before[limited]] = True
        pinned[arrays.link_after[limited]] = True
        changing = np.diff(arrays.step_ptr) > 1
        owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
        on_machine = arrays.machine >= 0
        pinned[owner[on_machine][changing[arrays.machine[on_machine]]]] = True
        holder = np.repeat(owner, np.diff(arrays.demand_ptr))
        pinned[holder[changing[arrays.demand_resource]]] = True
        pinned |= np.diff(arrays.window_ptr) > 0
        to_end = (arrays.link_kind == END_END) | (arrays.link_kind == START_END)
        elastic = np.logical_or.reduceat(arrays.elastic, arrays.mode_ptr[:-1])
        pinned[arrays.link_after[to_end & elastic[arrays.link_after]]] = True
        found: list[bool] = pinned.tolist()
        return found

    def compact(self, candidate: Candidate) -> Candidate:
        """Return the schedule with every task moved to the left as far as its order allows."""
        if not self._movable:
            return candidate
        arrays = self._arrays
        ends = arrays.ends(candidate.start, candidate.mode)
        length: list[int] = (ends - candidate.start).tolist()
        start: list[int] = candidate.start.tolist()
        release: list[int] = arrays.release.tolist()
        units = _Units(arrays)
        order = np.lexsort((ends, candidate.start))
        modes: list[int] = candidate.mode.tolist()
        runs = arrays.runs
        for task in order.tolist():
            mode, run = modes[task], runs[modes[task]]
            early = start[task]
            if not self._pinned[task]:
                early = max(release[task], self._after_links(task, start, length))
            # The old start always works; taking no later one keeps the schedule valid even where
            # a predecessor of the same start has not been moved yet.
            if not length[task]:
                start[task] = early
                continue
            early = units.take(mode, early)
            opening = early if run is None else run.next_start(early)
            if opening is not None and opening < start[task]:
                start[task] = opening
                length[task] = arrays.end(opening, mode) - opening
            units.give(mode, start[task] + length[task])
        return Candidate(np.array(start, np.int64), candidate.mode)

    def _after_links(self, task: int, start: list[int], length: list[int]) -> int:
        early = 0
        for row in range(self._pointer[task], self._pointer[task + 1]):
            before = self._before[row]
            value = start[before] + self._low[row]
            if self._from_end[row]:
                value += length[before]
            if self._to_end[row]:
                value -= length[task]
            early = max(early, value)
        return early


class _Units:
    """When the units of each resource become free, as amounts rather than single units."""

    def __init__(self, arrays: ScheduleArrays) -> None:
        self._needs: list[list[tuple[int, int]]] = [[] for _ in range(len(arrays.duration))]
        owner = np.repeat(np.arange(len(arrays.duration)), np.diff(arrays.demand_ptr))
        kept = arrays.resource_type[arrays.demand_resource] == RENEWABLE
        rows = zip(
            owner[kept].tolist(),
            arrays.demand_resource[kept].tolist(),
            arrays.demand_amount[kept].tolist(),
            strict=True,
        )
        for mode, resource, amount in rows:
            self._needs[mode].append((resource, amount))
        for mode, machine in enumerate(arrays.machine.tolist()):
            if machine >= 0:
                self._needs[mode].append((machine, 1))
        full = np.maximum.reduceat(arrays.step_capacity, arrays.step_ptr[:-1])
        self._free: list[list[tuple[int, int]]] = [[(0, int(amount))] for amount in full.tolist()]

    def take(self, mode: int, early: int) -> int:
        """Take the units that are free first; return when they and ``early`` are reached."""
        for resource, amount in self._needs[mode]:
            free, open_amount = self._free[resource], amount
            while open_amount and free:
                moment, count = heappop(free)
                early = max(early, moment)
                if count > open_amount:
                    heappush(free, (moment, count - open_amount))
                    count = open_amount
                open_amount -= count
        return early

    def give(self, mode: int, end: int) -> None:
        """Return the units at ``end``."""
        for resource, amount in self._needs[mode]:
            heappush(self._free[resource], (end, amount))


def order_links(arrays: ScheduleArrays, candidate: Candidate, tasks: Ints) -> list[tuple[int, int]]:
    """Pairs of tasks, one after the other on the same units, that keep a schedule's order.

    Any starts that respect these pairs, the links and the modes of the schedule respect the
    capacities among ``tasks`` too (a partial-order schedule: Policella, Smith, Cesta and Oddi,
    "Generating robust schedules through temporal relaxation", 2004).
    """
    ends = arrays.ends(candidate.start, candidate.mode)
    running = tasks[ends[tasks] > candidate.start[tasks]]
    order = running[np.argsort(candidate.start[running], kind="stable")]
    held: dict[int, list[tuple[int, int, int]]] = {}
    pairs: dict[tuple[int, int], None] = {}
    for task in order.tolist():
        mode = int(candidate.mode[task])
        needs = [
            need for need in arrays.demands(mode) if arrays.resource_type[need[0]] == RENEWABLE
        ]
        if arrays.machine[mode] >= 0:
            needs.append((int(arrays.machine[mode]), 1))
        end = int(ends[task])
        for resource, amount in needs:
            full = int(_full(arrays, resource))
            free = held.setdefault(resource, [(0, full, -1)])
            open_amount = amount
            while open_amount and free:
                moment, count, last = heappop(free)
                if last >= 0:
                    pairs[last, task] = None
                if count > open_amount:
                    heappush(free, (moment, count - open_amount, last))
                    count = open_amount
                open_amount -= count
            heappush(free, (end, amount, task))
    return list(pairs)


def _full(arrays: ScheduleArrays, resource: int) -> int:
    rows = slice(arrays.step_ptr[resource], arrays.step_ptr[resource + 1])
    return int(arrays.step_capacity[rows].max())
