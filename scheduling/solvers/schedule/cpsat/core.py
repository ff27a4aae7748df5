"""What the parts of the CP-SAT formulation share: the model, its variables and their hints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.simultaneous import move_ranks


class Reading:
    """What a schedule says, as lists: starts, modes, ends, and when machines are left.

    Attributes
    ----------
    start, mode, end : list of int
        Of each task.
    held : list of int
        When each task leaves its machine: its end, or in a blocking job the start of the next.
    tour : set of pairs, or None
        Pairs of jobs that start one after the other, once somebody has asked for them.
    """

    def __init__(self, arrays: ScheduleArrays, candidate: Candidate) -> None:
        self.arrays = arrays
        self.start: list[int] = candidate.start.tolist()
        self.mode: list[int] = candidate.mode.tolist()
        self.end: list[int] = arrays.ends(candidate.start, candidate.mode).tolist()
        self.held: list[int] = list(self.end)
        self.tour: set[tuple[int, int]] | None = None
        for task in holding_tasks(arrays):
            self.held[task] = self.start[task + 1]

    @cached_property
    def ranks(self) -> dict[int, int]:
        """Ranks of the starts of blocking jobs' tasks among those of the same moment."""
        return move_ranks(self.arrays, self.start, self.mode, self.held) or {}

    @cached_property
    def owner(self) -> dict[int, int]:
        """Task of each chosen mode."""
        return {mode: task for task, mode in enumerate(self.mode)}

    @cached_property
    def sequences(self) -> dict[int, list[int]]:
        """Modes on each machine that occupy it, in the order of their starts."""
        found: dict[int, list[tuple[int, int]]] = {}
        machine = self.arrays.machine
        for task, mode in enumerate(self.mode):
            if machine[mode] >= 0 and self.held[task] > self.start[task]:
                found.setdefault(int(machine[mode]), []).append((self.start[task], mode))
        return {r: [mode for _, mode in sorted(rows)] for r, rows in found.items()}

    @cached_property
    def neighbours(self) -> dict[int, set[tuple[int, int]]]:
        """Pairs of modes directly one after the other on each machine; -1 before and behind."""
        found = {}
        for machine, modes in self.sequences.items():
            found[machine] = set(zip([-1, *modes], [*modes, -1], strict=True))
        return found

    def runs(self, task: int) -> bool:
        """Whether a task is not skipped."""
        return not self.arrays.absent[self.mode[task]]

    def on(self, task: int, machine: int) -> bool:
        """Whether a task runs on a machine."""
        return bool(self.arrays.machine[self.mode[task]] == machine)


Hint = Callable[[Reading], int]


def holding_tasks(arrays: ScheduleArrays) -> list[int]:
    """Tasks that keep their machine until the next task of their blocking job starts."""
    return [
        task
        for job, blocking in enumerate(arrays.blocking.tolist())
        if blocking
        for task in range(int(arrays.job_ptr[job]), int(arrays.job_ptr[job + 1]) - 1)
    ]


@dataclass(eq=False)
class Core:
    """Variables of one model.

    Attributes
    ----------
    model : cp_model.CpModel
        The model.
    arrays : ScheduleArrays
        The problem.
    horizon : int
        When all is over.
    starts, ends : list
        Start and end of each task, as variables or expressions.
    literals : dict
        Literal of each mode of the tasks that have several.
    task_of_mode : (M,) array
        Task of each mode.
    """

    model: Any
    arrays: ScheduleArrays
    horizon: int
    starts: list[Any]
    ends: list[Any]
    literals: dict[int, Any]
    task_of_mode: Ints
    _hints: list[Hint] = field(default_factory=list)

    def flag(self, hint: Hint) -> Any:
        """Make a literal with its value under a schedule."""
        self._hints.append(hint)
        return self.model.new_bool_var("")

    def number(self, low: int, high: int, hint: Hint) -> Any:
        """Make an integer variable with its value under a schedule."""
        self._hints.append(hint)
        return self.model.new_int_var(low, max(low, high), "")

    def values(self, candidate: Candidate) -> list[int]:
        """Values of the variables made here, in their order."""
        if not self._hints:
            return []
        reading = Reading(self.arrays, candidate)
        return [int(hint(reading)) for hint in self._hints]

    def end(self, mode: int) -> Any:
        """When the task of a mode ends, if that mode is chosen."""
        task = int(self.task_of_mode[mode])
        if self.arrays.elastic[mode]:
            return self.ends[task]
        return self.starts[task] + int(self.arrays.duration[mode])

    def modes(self, task: int) -> range:
        """Modes of a task."""
        return range(int(self.arrays.mode_ptr[task]), int(self.arrays.mode_ptr[task + 1]))

    def runs(self, task: int) -> Any:
        """Literal that a task runs; ``True`` or ``False`` where that is certain."""
        last = int(self.arrays.mode_ptr[task + 1]) - 1
        if not self.arrays.absent[last]:
            return True
        return ~self.literals[last] if last in self.literals else False

    def binding(self, row: int) -> list[Any] | None:
        """Literals under which a link binds; ``None`` when it never does."""
        arrays = self.arrays
        before, after = int(arrays.link_before[row]), int(arrays.link_after[row])
        conditions = [self.runs(before), self.runs(after)]
        if arrays.passing[row]:
            between = (self.runs(task) for task in range(before + 1, after))
            conditions += [not runs if isinstance(runs, bool) else ~runs for runs in between]
        if any(condition is False for condition in conditions):
            return None
        return [condition for condition in conditions if condition is not True]

    def chosen(self, *modes: int) -> list[Any]:
        """Literals that are true when these modes are chosen; modes without choice have none."""
        return [self.literals[mode] for mode in modes if mode in self.literals]
