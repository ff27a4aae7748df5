"""What a schedule costs beyond the times of its jobs: costs, energy and setups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scheduling.models.schedule.arrays import Ints, ScheduleArrays


def usage_measures(arrays: ScheduleArrays, start: Ints, mode: Ints) -> tuple[int, int, int]:
    """Cost, energy and total setup of a schedule; what no tier weighs is left at 0."""
    cost = int(arrays.cost[mode].sum()) if arrays.weighs("cost") else 0
    energy = setup = 0
    if arrays.weighs("energy"):
        energy = int(arrays.energy[mode].sum()) + _idle_energy(arrays, start, mode)
    if arrays.weighs("total_setup"):
        setup = _total_setup(arrays, start, mode)
    return cost, energy, setup


def _users(arrays: ScheduleArrays, start: Ints, mode: Ints, machine: int) -> tuple[Ints, Ints]:
    """Tasks that occupy a machine for some time, by start, and when each of them leaves it."""
    held = arrays.held(start, mode)
    mine = np.flatnonzero((arrays.machine[mode] == machine) & (held > start))
    mine = mine[np.lexsort((held[mine], start[mine]))]
    return mine, held[mine]


def _idle_energy(arrays: ScheduleArrays, start: Ints, mode: Ints) -> int:
    total = 0
    end = arrays.ends(start, mode)
    for machine in np.flatnonzero(arrays.idle_power).tolist():
        mine, held = _users(arrays, start, mode, machine)
        if mine.size:
            # Of tasks that overlap, only what lies beyond the ends of those before counts.
            reach = np.maximum.accumulate(end[mine])
            before = np.concatenate([start[mine][:1], reach[:-1]])
            running = np.maximum(end[mine] - np.maximum(start[mine], before), 0).sum()
            idle = int(held.max() - start[mine].min() - running)
            total += idle * int(arrays.idle_power[machine])
    return total


def _total_setup(arrays: ScheduleArrays, start: Ints, mode: Ints) -> int:
    total = 0
    for machine, table in arrays.setups.items():
        mine, _ = _users(arrays, start, mode, machine)
        states = arrays.state[mode[mine]].tolist()
        for position, after in enumerate(states):
            before = states[position - 1] if position else -1
            if after >= 0 and (before >= 0 or not position):
                total += table.get((before, after), 0)
    return total
