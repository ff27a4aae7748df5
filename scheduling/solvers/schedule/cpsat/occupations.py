"""Intervals of tasks in the CP-SAT formulation: when they occupy what they use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scheduling.solvers.schedule.cpsat.core import Core


class Occupations:
    """Makes the intervals of tasks, each once.

    Parameters
    ----------
    core
        The model.
    sizes
        Variable of the time from start to end of each task whose time depends on its start.
    tick
        Called with a running number every step.
    """

    def __init__(self, core: Core, sizes: dict[int, Any], tick: Callable[[int], None]) -> None:
        self._core, self._sizes, self._tick = core, sizes, tick
        self._intervals: dict[int, Any] = {}

    def of(self, users: list[tuple[int, int]]) -> list[tuple[Any, int]]:
        """Intervals and amounts of a resource's users.

        A task whose modes all take the same amount for the same time is one mandatory interval.
        """
        arrays = self._core.arrays
        by_task: dict[int, list[tuple[int, int]]] = {}
        for number, (mode, amount) in enumerate(users):
            self._tick(number)
            by_task.setdefault(int(self._core.task_of_mode[mode]), []).append((mode, amount))
        found: list[tuple[Any, int]] = []
        for task, modes in by_task.items():
            count = int(arrays.mode_ptr[task + 1] - arrays.mode_ptr[task])
            varies = task in self._sizes
            shapes = {(varies or int(arrays.duration[mode]), amount) for mode, amount in modes}
            if count > 1 and len(modes) == count and len(shapes) == 1:
                mode, amount = modes[0]
                found.append((self._mandatory(task, mode), amount))
            else:
                found += [(self._interval(task, mode), amount) for mode, amount in modes]
        return found

    def _mandatory(self, task: int, mode: int) -> Any:
        key = -1 - task
        if key not in self._intervals:
            self._intervals[key] = self._lasting(task, mode, None)
        return self._intervals[key]

    def _interval(self, task: int, mode: int) -> Any:
        if mode not in self._intervals:
            self._intervals[mode] = self._lasting(task, mode, self._core.literals.get(mode))
        return self._intervals[mode]

    def _lasting(self, task: int, mode: int, literal: Any | None) -> Any:
        """Make an interval from the start to the end of a task, present if a literal is true."""
        model, start = self._core.model, self._core.starts[task]
        if task in self._sizes:
            span = start, self._sizes[task], self._core.ends[task]
            if literal is None:
                return model.new_interval_var(*span, "")
            return model.new_optional_interval_var(*span, literal, "")
        duration = int(self._core.arrays.duration[mode])
        if literal is None:
            return model.new_fixed_size_interval_var(start, duration, "")
        return model.new_optional_fixed_size_interval_var(start, duration, literal, "")
