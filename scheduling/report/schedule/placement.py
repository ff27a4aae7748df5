"""Where a solution puts the tasks of its problem, as arrays in the problem's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.solution import ScheduleSolution


@dataclass(frozen=True, eq=False)
class Placement:
    """Times and modes of all tasks, in the order of the problem.

    Attributes
    ----------
    placed : (n,) whether the solution names the task; the other arrays are 0 where it does not.
    start, end : (n,) times as the solution states them.
    mode : (n,) global mode index, see :class:`ScheduleArrays`.
    """

    placed: NDArray[np.bool_]
    start: Ints
    end: Ints
    mode: Ints

    @property
    def tasks(self) -> list[int]:
        """Indices of the placed tasks."""
        found: list[int] = np.flatnonzero(self.placed).tolist()
        return found


def read_placement(arrays: ScheduleArrays, solution: ScheduleSolution) -> Placement:
    """Match a solution's tasks with those of its problem.

    The schedule need not be feasible or complete: a chart shows what a solution says.

    Raises
    ------
    InputError
        For a task that the problem does not have or that appears twice, and for a mode that the
        task does not have; all such faults at once.
    """
    index = {name: number for number, name in enumerate(arrays.task_ids)}
    modes = np.diff(arrays.mode_ptr) - arrays.optional
    placed = np.zeros(arrays.n_tasks, np.bool_)
    start, end, mode = (np.zeros(arrays.n_tasks, np.int64) for _ in range(3))
    faults = []
    for number, entry in enumerate(solution.tasks):
        place = f"tasks[{number}]"
        task = index.get(entry.task)
        if task is None:
            faults.append(Fault(f"{place}.task", repr(entry.task), "a task of the problem"))
        elif placed[task]:
            faults.append(Fault(f"{place}.task", f"{entry.task!r} again", "each task once"))
        elif entry.mode >= modes[task]:
            expected = f"a mode of {entry.task!r}, below {modes[task]}"
            faults.append(Fault(f"{place}.mode", str(entry.mode), expected))
        elif entry.end < entry.start:
            expected = f"an end not before its start {entry.start}"
            faults.append(Fault(f"{place}.end", str(entry.end), expected))
        else:
            placed[task] = True
            start[task], end[task] = entry.start, entry.end
            mode[task] = arrays.mode_ptr[task] + entry.mode
    if faults:
        raise InputError(faults)
    return Placement(placed, start, end, mode)
