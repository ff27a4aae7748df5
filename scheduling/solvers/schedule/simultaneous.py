"""Moves of blocking jobs at the same moment, and the order in which they can happen."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from scheduling.models.schedule.arrays import ScheduleArrays


def move_ranks(
    arrays: ScheduleArrays, start: list[int], mode: list[int], held: list[int]
) -> dict[int, int] | None:
    """Rank the starts of the tasks of blocking jobs among those of the same moment.

    Whoever enters a machine has a higher rank than whoever leaves it by moving on at that moment;
    within a job ranks do not fall. Tasks that start below 0 are not placed.

    Returns
    -------
    dict or None
        ``None`` when jobs exchange their machines in a cycle.
    """
    machine: list[int] = arrays.machine.tolist()
    pointer: list[int] = arrays.job_ptr.tolist()
    jobs = [range(pointer[j], pointer[j + 1]) for j in arrays.blocking.nonzero()[0].tolist()]
    mover: dict[tuple[int, int], int] = {}
    for tasks in jobs:
        for task in tasks[:-1]:
            if start[task] >= 0 and held[task] > start[task]:
                mover[machine[mode[task]], held[task]] = task + 1
    needed: dict[int, set[int]] = {}
    for tasks in jobs:
        for task in tasks:
            if start[task] < 0:
                continue
            before = needed.setdefault(task, set())
            if held[task] > start[task]:
                before.add(mover.get((machine[mode[task]], start[task]), task))
            if task > tasks[0] and start[task - 1] == start[task]:
                before.add(task - 1)
            before.discard(task)
    rank: dict[int, int] = {}
    try:
        for task in TopologicalSorter(needed).static_order():
            entered = (rank[other] + (other != task - 1) for other in needed[task])
            rank[task] = max(entered, default=0)
    except CycleError:
        return None
    return rank
