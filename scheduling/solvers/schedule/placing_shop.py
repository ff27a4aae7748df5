"""What placing tasks one after the other needs to know of a problem, as lists."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    MACHINE,
    NEVER,
    RENEWABLE,
    RESERVOIR,
    START_END,
    ScheduleArrays,
)
from scheduling.models.schedule.windows import horizon

_Link = tuple[int, bool, bool, int, int, bool, bool]
"""Task before, from its end, to the end of the task after, lag, transfer, in a chain that pays
moves, over tasks that may be skipped."""


class Shop:
    """What does not change between schedules of one problem."""

    def __init__(self, arrays: ScheduleArrays) -> None:
        self.arrays = arrays
        self.n = arrays.n_tasks
        self.job: list[int] = arrays.job.tolist()
        self.release: list[int] = arrays.release.tolist()
        self.deadline: list[int] = arrays.deadline.tolist()
        pointer = arrays.mode_ptr.tolist()
        self.modes = [
            range(first, stop - skip)
            for (first, stop), skip in zip(pairwise(pointer), arrays.optional.tolist(), strict=True)
        ]
        self.clashes = _clashes(arrays)
        self.duration: list[int] = arrays.duration.tolist()
        self.shortest: list[int] = arrays.shortest.tolist()
        self.runs = arrays.runs
        self.elastic: list[bool] = arrays.elastic.tolist()
        self.windows = _time_windows(arrays)
        self.horizon = horizon(arrays)
        self.machine: list[int] = arrays.machine.tolist()
        self.site: list[int] = arrays.site.tolist()
        self.batching: list[bool] = [r >= 0 and bool(arrays.batching[r]) for r in self.site]
        self.state: list[int] = arrays.state.tolist()
        self.kind: list[int] = arrays.resource_type.tolist()
        self.maximum = [None if most == NEVER else most for most in arrays.maximum.tolist()]
        modes = range(len(self.duration))
        demands = [arrays.demands(mode) for mode in modes]
        self.needs = [[row for row in rows if self.kind[row[0]] == RENEWABLE] for rows in demands]
        self.uses = [
            dict(row for row in rows if self.kind[row[0]] == CONSUMABLE) for rows in demands
        ]
        self.stores = [_exchanges(arrays, mode) for mode in modes]
        self.changing = {
            r
            for r in range(arrays.n_resources)
            if self.kind[r] == MACHINE and not arrays.constant(r)
        }
        self.links = _links_into(arrays)
        self.transport: list[list[int]] = arrays.transport.tolist()
        self.blocking: list[bool] = arrays.blocking.tolist()
        self.swap = arrays.swap
        self.grouped = {machine for group in arrays.same_order for machine in group}
        self.least = self._least_uses()

    def end(self, mode: int, start: int) -> int:
        """When a task ends in a mode from a start."""
        if self.elastic[mode]:
            return self.arrays.end(start, mode)
        return start + self.duration[mode]

    def start_for(self, mode: int, end: int) -> int:
        """First moment from which a task in a mode does not end before ``end``."""
        run = self.runs[mode]
        if run is not None and self.elastic[mode]:
            return run.ends_after(end)
        return end - self.duration[mode]

    def _least_uses(self) -> list[dict[int, int]]:
        """Least that any mode of each task uses of each consumable."""
        stocks = [r for r, kind in enumerate(self.kind) if kind == CONSUMABLE]
        least = [
            {r: min(self.uses[mode].get(r, 0) for mode in modes) for r in stocks}
            for modes in self.modes
        ]
        for task in np.flatnonzero(self.arrays.optional).tolist():
            least[task] = dict.fromkeys(stocks, 0)
        return least


def _time_windows(arrays: ScheduleArrays) -> list[list[tuple[int, int]]]:
    rows = list(zip(arrays.window_start.tolist(), arrays.window_end.tolist(), strict=True))
    return [rows[first:stop] for first, stop in pairwise(arrays.window_ptr.tolist())]


def _exchanges(arrays: ScheduleArrays, mode: int) -> list[tuple[int, int, int]]:
    """Reservoirs that a mode changes: what it takes and what it gives."""
    taken = {r: n for r, n in arrays.demands(mode) if arrays.resource_type[r] == RESERVOIR}
    rows = slice(arrays.supply_ptr[mode], arrays.supply_ptr[mode + 1])
    resources, amounts = arrays.supply_resource[rows].tolist(), arrays.supply_amount[rows].tolist()
    given = dict(zip(resources, amounts, strict=True))
    return [(r, taken.get(r, 0), given.get(r, 0)) for r in sorted({*taken, *given})]


def _clashes(arrays: ScheduleArrays) -> dict[int, list[tuple[int, int]]]:
    """Return, for each mode with rules, the tasks and their modes that it does not go with."""
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr)).tolist()
    found: dict[int, list[tuple[int, int]]] = {}
    for first, second in arrays.banned.tolist():
        found.setdefault(first, []).append((owner[second], second))
        found.setdefault(second, []).append((owner[first], first))
    return found


def _links_into(arrays: ScheduleArrays) -> list[list[_Link]]:
    links: list[list[_Link]] = [[] for _ in range(arrays.n_tasks)]
    for row in np.flatnonzero(arrays.link_min > -NEVER).tolist():
        kind = int(arrays.link_kind[row])
        links[int(arrays.link_after[row])].append(
            (
                int(arrays.link_before[row]),
                kind in (END_START, END_END),
                kind in (END_END, START_END),
                int(arrays.link_min[row]),
                int(arrays.link_transfer[row]),
                bool(arrays.chained[row]) and arrays.transport.size > 0,
                bool(arrays.passing[row]),
            )
        )
    return links
