"""Machines that never stand still, in the CP-SAT formulation.

All tasks of such a machine lie between two moments whose distance is the sum of their durations, so
they fill the time between them.
"""

from __future__ import annotations

from ortools.sat.python import cp_model

from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading
from scheduling.solvers.schedule.cpsat.holding import Holding


def add_no_idle(core: Core, holding: Holding, machine: int, modes: list[int]) -> None:
    """Leave no time between tasks of fixed length on a machine without setups and kept tasks."""
    model, duration = core.model, core.arrays.duration
    first = core.number(0, core.horizon, _first(machine))
    last = core.number(0, core.horizon, _last(machine))
    fixed, literals, lengths = 0, [], []
    for mode in modes:
        task, presence = int(core.task_of_mode[mode]), holding.presence(mode)
        guard = [] if presence is None else [presence]
        model.add(core.starts[task] >= first).only_enforce_if(guard)
        model.add(core.starts[task] + int(duration[mode]) <= last).only_enforce_if(guard)
        if presence is None:
            fixed += int(duration[mode])
        else:
            literals.append(presence)
            lengths.append(int(duration[mode]))
    model.add(last - first == fixed + cp_model.LinearExpr.weighted_sum(literals, lengths))


def _first(machine: int) -> Hint:
    def first(reading: Reading) -> int:
        tasks = [int(reading.owner[mode]) for mode in reading.sequences.get(machine, ())]
        return min((reading.start[task] for task in tasks), default=0)

    return first


def _last(machine: int) -> Hint:
    def last(reading: Reading) -> int:
        tasks = [int(reading.owner[mode]) for mode in reading.sequences.get(machine, ())]
        return max((reading.end[task] for task in tasks), default=0)

    return last
