"""The part of the checker that looks at moves of blocking jobs at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from scheduling.models.base import Violation
from scheduling.models.schedule.check_resources import Placed
from scheduling.models.schedule.problem import ScheduleProblem


def swap_violations(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Yield every moment whose moves have no order, where swaps are forbidden.

    A move takes a job into its next task. It comes after the move by which another job leaves the
    machine that the task occupies, and after the moves of its own job at the same moment.
    """
    if problem.swap:
        return
    left_by: dict[tuple[str | None, int], str] = {}
    for job in problem.jobs:
        for before, after in pairwise(job.tasks) if job.blocking else ():
            item = placed.get(before.id)
            if item is not None and after.id in placed and item.held > item.start:
                left_by[item.mode.machine, item.held] = after.id
    moments: dict[int, dict[str, set[str]]] = {}
    for job in problem.jobs:
        last: Placed | None = None
        for task in job.tasks if job.blocking else ():
            item = placed.get(task.id)
            if item is None:
                continue
            needed = moments.setdefault(item.start, {}).setdefault(task.id, set())
            if item.held > item.start:
                needed.update({left_by.get((item.mode.machine, item.start), task.id)} - {task.id})
            if last is not None and last.start == item.start:
                needed.add(last.task.id)
            last = item
    for moment, moves in sorted(moments.items()):
        try:
            TopologicalSorter(moves).prepare()
        except CycleError as error:
            names = " -> ".join(map(repr, reversed(error.args[1])))
            yield Violation("swap", f"at {moment}: the moves into {names}")
