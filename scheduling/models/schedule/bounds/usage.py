"""Least costs, energies and setup times, from modes and routes alone."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.bounds.pools import setup_between

_NONE = 2**60


def least_usage(arrays: ScheduleArrays, measure: str) -> int:
    """Bound of the cost, the energy or the total setup of a schedule."""
    if measure == "total_setup":
        return _least_setup(arrays)
    return _least_total(arrays, arrays.cost if measure == "cost" else arrays.energy)


def _least_total(arrays: ScheduleArrays, price: Ints) -> int:
    """Bound of the sum of the prices of the modes that are chosen.

    Every task takes its cheapest mode, skipping included; of routes between which there is always a
    choice, the cheapest is taken.
    """
    first = arrays.mode_ptr[:-1]
    skip = np.minimum.reduceat(np.where(arrays.absent, price, _NONE), first)
    run = np.minimum.reduceat(np.where(arrays.absent, _NONE, price), first)
    least = np.minimum(skip, run)
    total = int(least.sum())
    for fork in arrays.forks:
        if fork.within >= 0 and arrays.optional[fork.within]:
            continue
        tasks = [task for route in fork.routes for task in route]
        chosen = [
            sum(int(run[task] if task in route else skip[task]) for task in tasks)
            for route in fork.routes
        ]
        if min(chosen) < _NONE:
            total += min(chosen) - int(least[tasks].sum())
    return total


def _least_setup(arrays: ScheduleArrays) -> int:
    """Bound of the sum of all setup times.

    Before every task that runs on a machine in any case lies the least setup from any state that
    another task may leave the machine in; for one of them it may be the first setup instead.
    """
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    total = 0
    for machine, table in arrays.setups.items():
        on = arrays.machine == machine
        rows = np.flatnonzero(on).tolist()
        sure = np.logical_and.reduceat(on & (arrays.duration > 0), arrays.mode_ptr[:-1])
        entries: dict[int, tuple[int, int]] = {}
        for mode in (row for row in rows if sure[owner[row]]):
            task, after = int(owner[mode]), int(arrays.state[mode])
            others = {int(arrays.state[row]) for row in rows if owner[row] != task}
            follow = min((setup_between(table, state, after) for state in others), default=_NONE)
            first = 0 if after < 0 else table.get((-1, after), 0)
            known = entries.get(task, (_NONE, _NONE))
            entries[task] = min(known[0], follow), min(known[1], first)
        if entries:
            total += _chained(list(entries.values()))
    return total


def _chained(entries: list[tuple[int, int]]) -> int:
    """Least sum when every task follows another one, except that one of them may be the first."""
    if len(entries) == 1:
        return min(entries[0])
    follows = sum(follow for follow, _ in entries)
    return follows + min(0, *(first - follow for follow, first in entries))
