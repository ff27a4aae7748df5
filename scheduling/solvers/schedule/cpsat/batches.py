"""Machines that run batches, in the CP-SAT formulation.

What fits into a batch is a cumulative constraint on sizes. For every two tasks, literals say that
one ends before the other starts; where neither holds, both start and end together.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.solvers.schedule.cpsat.core import Core, Hint


def batch_users(arrays: ScheduleArrays, machine: int, modes: Iterable[int]) -> list[int]:
    """Those of some modes that occupy a machine that runs batches for some time."""
    return [mode for mode in modes if arrays.site[mode] == machine and arrays.duration[mode] > 0]


def alike(arrays: ScheduleArrays, one: int, other: int) -> bool:
    """Whether two modes may run in one batch, if there is room."""
    same_state = arrays.state[one] == arrays.state[other]
    return bool(same_state and arrays.duration[one] == arrays.duration[other])


def add_batches(core: Core) -> None:
    """Let any two tasks of a machine that runs batches be in one batch or do not overlap."""
    arrays, model = core.arrays, core.model
    for machine in arrays.batching.nonzero()[0].tolist():
        users = batch_users(arrays, machine, range(len(arrays.duration)))
        for one, other in combinations(users, 2):
            here, there = int(core.task_of_mode[one]), int(core.task_of_mode[other])
            if here == there:
                continue
            chosen = core.chosen(one, other)
            first = core.flag(_over_before(here, there))
            if not alike(arrays, one, other):
                model.add(core.end(one) <= core.starts[there]).only_enforce_if(first, *chosen)
                model.add(core.end(other) <= core.starts[here]).only_enforce_if(~first, *chosen)
                continue
            second = core.flag(_over_before(there, here))
            model.add(core.end(one) <= core.starts[there]).only_enforce_if(first, *chosen)
            model.add(core.end(other) <= core.starts[here]).only_enforce_if(second, *chosen)
            together = [~first, ~second, *chosen]
            model.add(core.starts[here] == core.starts[there]).only_enforce_if(together)
            if arrays.elastic[one] or arrays.elastic[other]:
                model.add(core.end(one) == core.end(other)).only_enforce_if(together)


def _over_before(here: int, there: int) -> Hint:
    return lambda reading: reading.end[here] <= reading.start[there]
