"""Blocking without swaps in the CP-SAT formulation.

Moves of one moment get ranks: with ``scale`` above every rank, a task of a blocking job enters its
machine at ``scale * start + rank`` and leaves it one later than the next task enters. Intervals of
that finer time may not overlap, so whoever enters comes after whoever leaves, and no cycle of jobs
can exchange machines. A chain of moves at one moment stays possible.
"""

from __future__ import annotations

from typing import Any

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading
from scheduling.solvers.schedule.cpsat.holding import Holding


def rank_scale(arrays: ScheduleArrays) -> int:
    """Return a number above all ranks: moves of one moment, plus one."""
    jobs = arrays.blocking.nonzero()[0]
    moving = arrays.blocking[arrays.job]
    # A job moves once in a moment unless some of its tasks may take no time.
    once = bool((arrays.min_duration()[moving] > 0).all())
    return (len(jobs) if once else int(moving.sum())) + 1


def forbid_swaps(core: Core, holding: Holding, occupied: dict[int, list[int]]) -> None:
    """Let the moves of each moment have an order in which each enters a machine that was left."""
    arrays = core.arrays
    scale = rank_scale(arrays)
    last = scale * (core.horizon + 1)
    enter: dict[int, Any] = {}
    shortest = arrays.min_duration()
    for task in arrays.blocking[arrays.job].nonzero()[0].tolist():
        enter[task] = core.number(0, last, _entry(scale, task))
        core.model.add_linear_constraint(enter[task] - scale * core.starts[task], 0, scale - 1)
        inside = task - 1 in enter and arrays.job[task - 1] == arrays.job[task]
        if inside and shortest[task - 1] == 0:
            core.model.add(enter[task] >= enter[task - 1])
    for machine, modes in occupied.items():
        intervals = []
        for mode in modes:
            task = int(core.task_of_mode[mode])
            if task not in enter:
                continue
            if task in holding:
                leave, shift = _leaving(core, enter, scale, machine, task)
                size = core.number(0, last + 1, _stay(scale, task, shift))
            else:
                leave, size = enter[task] + 1, 1
            presence = holding.presence(mode)
            if presence is None:
                interval = core.model.new_interval_var(enter[task], size, leave, "")
            else:
                interval = core.model.new_optional_interval_var(
                    enter[task], size, leave, presence, ""
                )
            intervals.append(interval)
        if len(intervals) > 1:
            core.model.add_no_overlap(intervals)


def _leaving(
    core: Core, enter: dict[int, Any], scale: int, machine: int, task: int
) -> tuple[Any, Hint]:
    """When a task leaves its machine, and by how much that is after the next one's entry.

    A job that stays on its machine does not move.
    """
    following = core.modes(task + 1)
    staying = [mode for mode in following if core.arrays.machine[mode] == machine]
    shift = _shift(core.arrays, machine, task)
    if not staying:
        return enter[task + 1] + 1, shift
    if len(staying) == len(following):
        return enter[task + 1], shift
    entry = _entry(scale, task + 1)
    leave = core.number(0, scale * (core.horizon + 1) + 1, lambda r: entry(r) + shift(r))
    core.model.add(leave == enter[task + 1] + 1 - sum(core.chosen(*staying)))
    return leave, shift


def _entry(scale: int, task: int) -> Hint:
    return lambda reading: scale * reading.start[task] + reading.ranks.get(task, 0)


def _shift(arrays: ScheduleArrays, machine: int, task: int) -> Hint:
    return lambda reading: int(arrays.machine[reading.mode[task + 1]] != machine)


def _stay(scale: int, task: int, shift: Hint) -> Hint:
    entry, leaving = _entry(scale, task), _entry(scale, task + 1)

    def stay(reading: Reading) -> int:
        return leaving(reading) + shift(reading) - entry(reading)

    return stay
