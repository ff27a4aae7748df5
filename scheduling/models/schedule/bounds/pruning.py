"""Modes that no schedule can use, and earliest starts that respect breaks and capacity steps."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scheduling.models.schedule.arrays import CONSUMABLE, RESERVOIR, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.supply import first_fit
from scheduling.models.schedule.windows import Edges, earliest_starts, longest_paths
from scheduling.models.schedule.worktime import Run

_ROUNDS = 5


def usable_modes(arrays: ScheduleArrays) -> ScheduleArrays | None:
    """Drop the modes that need more of a resource than it ever has.

    Returns
    -------
    ScheduleArrays or None
        ``None`` when a task has no mode left or a consumable cannot cover the least demands.
    """
    keep = fitting_modes(arrays)
    if not keep.all():
        if not np.logical_or.reduceat(keep, arrays.mode_ptr[:-1]).all():
            return None
        arrays = with_modes(arrays, keep)
    return arrays if _stocks_suffice(arrays) else None


def fitting_modes(arrays: ScheduleArrays) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell of each mode whether its resources ever have what it needs."""
    keep = np.ones(len(arrays.duration), np.bool_)
    if arrays.n_resources == 0:
        return keep
    peak = np.maximum.reduceat(arrays.step_capacity, arrays.step_ptr[:-1])
    owner = np.repeat(np.arange(len(keep)), np.diff(arrays.demand_ptr))
    refilled = arrays.resource_type[arrays.demand_resource] == RESERVOIR
    over = ~refilled & (arrays.demand_amount > peak[arrays.demand_resource])
    held = arrays.resource_type[arrays.demand_resource] != CONSUMABLE
    keep[owner[over & (~held | (arrays.duration[owner] > 0))]] = False
    closed = (arrays.machine >= 0) & (arrays.duration > 0) & (peak[arrays.machine] == 0)
    keep[closed] = False
    never = [run is not None and run.next_start(0) is None for run in arrays.runs]
    keep[np.array(never, np.bool_)] = False
    return keep


def with_modes(
    arrays: ScheduleArrays, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> ScheduleArrays:
    """Return the problem with the kept modes alone; every task must keep one."""
    entries = np.repeat(keep, np.diff(arrays.demand_ptr))
    given = np.repeat(keep, np.diff(arrays.supply_ptr))
    counts = np.add.reduceat(keep.astype(np.int64), arrays.mode_ptr[:-1])
    return replace(
        arrays,
        mode_ptr=_pointer(counts),
        duration=arrays.duration[keep],
        machine=arrays.machine[keep],
        site=arrays.site[keep],
        demand_ptr=_pointer(np.diff(arrays.demand_ptr)[keep]),
        demand_resource=arrays.demand_resource[entries],
        demand_amount=arrays.demand_amount[entries],
        supply_ptr=_pointer(np.diff(arrays.supply_ptr)[keep]),
        supply_resource=arrays.supply_resource[given],
        supply_amount=arrays.supply_amount[given],
        state=arrays.state[keep],
        absent=arrays.absent[keep],
        local=arrays.local[keep],
        cost=arrays.cost[keep],
        energy=arrays.energy[keep],
        banned=kept_pairs(arrays.banned, keep),
        work=arrays.work[keep],
    )


def kept_pairs(banned: Ints, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
    """Return the pairs of kept modes, in their new numbers."""
    number = np.cumsum(keep) - 1
    pairs: Ints = number[banned[keep[banned].all(axis=1)]]
    return pairs


def _pointer(counts: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def least_demand(arrays: ScheduleArrays, resource: int) -> Ints:
    """Least amount of ``resource`` that each task needs over its modes."""
    amount = np.zeros(len(arrays.duration), np.int64)
    owner = np.repeat(np.arange(len(amount)), np.diff(arrays.demand_ptr))
    mine = arrays.demand_resource == resource
    amount[owner[mine]] = arrays.demand_amount[mine]
    return np.minimum.reduceat(amount, arrays.mode_ptr[:-1])


def _stocks_suffice(arrays: ScheduleArrays) -> bool:
    stocks = np.flatnonzero(arrays.resource_type == CONSUMABLE).tolist()
    return all(
        sum(least_demand(arrays, stock).tolist()) <= int(arrays.capacity[stock]) for stock in stocks
    )


def open_starts(arrays: ScheduleArrays, edges: Edges) -> Ints | None:
    """Return earliest starts at which the resources are open for the whole task.

    Returns
    -------
    Ints or None
        ``None`` when precedences contradict each other, or a task never fits.
    """
    heads = earliest_starts(arrays, edges)
    if heads is None:
        return None
    varying = {r for r in range(arrays.n_resources) if not arrays.constant(r)}
    if not varying and not arrays.worktimes:
        return heads
    needs = _varying_needs(arrays, varying)
    profiles = {resource: arrays.steps(resource) for resource in varying}
    for _ in range(_ROUNDS):
        raised = heads.copy()
        for task, modes in needs.items():
            starts = [_open_start(profiles, int(heads[task]), mode) for mode in modes]
            found = [start for start in starts if start is not None]
            if not found:
                return None
            raised[task] = min(found)
        if np.array_equal(raised, heads):
            break
        longer = longest_paths(arrays.n_tasks, edges, raised)
        if longer is None:
            return None
        heads = longer
    return heads


class _Need(NamedTuple):
    """Least time that a mode takes, its demands on changing resources, and its working time."""

    length: int
    demands: list[tuple[int, int]]
    run: Run | None


def _varying_needs(arrays: ScheduleArrays, varying: set[int]) -> dict[int, list[_Need]]:
    """Needs of the modes of those tasks that nothing but an opening lets start."""
    needs: dict[int, list[_Need]] = {}
    pointer, runs = arrays.mode_ptr.tolist(), arrays.runs
    machine, shortest = arrays.machine.tolist(), arrays.shortest.tolist()
    for task in range(arrays.n_tasks):
        modes: list[_Need] = []
        for mode in range(pointer[task], pointer[task + 1]):
            demands = [entry for entry in arrays.demands(mode) if entry[0] in varying]
            if machine[mode] in varying:
                demands.append((machine[mode], 1))
            modes.append(_Need(shortest[mode], demands if shortest[mode] > 0 else [], runs[mode]))
        if all(mode.demands or mode.run is not None for mode in modes):
            needs[task] = modes
    return needs


def _open_start(profiles: dict[int, list[tuple[int, int]]], start: int, need: _Need) -> int | None:
    moved = True
    while moved:
        moved = False
        if need.run is not None:
            found = need.run.next_start(start)
            if found is None:
                return None
            start = found
        for resource, amount in need.demands:
            found = first_fit(profiles[resource], start, need.length, amount)
            if found is None:
                return None
            moved, start = moved or found > start, found
    return start
