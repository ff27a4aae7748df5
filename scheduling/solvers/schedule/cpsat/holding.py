"""Blocking in the CP-SAT formulation: how long tasks keep their machines.

A task of a blocking job occupies its machine from its start to the start of the next task, an
interval of variable size. Two jobs that swap machines at a moment overlap nowhere, so swaps are
legal. A task that takes no time and need not wait occupies nothing.
"""

from __future__ import annotations

from typing import Any

from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading, holding_tasks


class Holding:
    """Occupation of machines by the tasks of blocking jobs."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sizes: dict[int, Any] = {}
        self._waits: dict[int, Any] = {}
        self._presence: dict[int, Any] = {}
        shortest = core.arrays.min_duration()
        for task in holding_tasks(core.arrays):
            low = int(shortest[task])
            self._sizes[task] = core.number(low, core.horizon, _size_of(task))
            if low == 0:
                self._waits[task] = self._flag_waiting(task)

    def __contains__(self, task: int) -> bool:
        return task in self._sizes

    def __bool__(self) -> bool:
        return bool(self._sizes)

    def left(self, mode: int) -> Any:
        """When the machine of a mode is left, if that mode is chosen."""
        core = self._core
        task = int(core.task_of_mode[mode])
        if task in self._sizes:
            return core.starts[task + 1]
        return core.end(mode)

    def presence(self, mode: int) -> Any | None:
        """Literal of a mode that occupies its machine; ``None`` when it always does."""
        core = self._core
        task = int(core.task_of_mode[mode])
        chosen = core.literals.get(mode)
        if core.arrays.duration[mode] > 0 or task not in self._waits:
            return chosen
        waits = self._waits[task]
        if chosen is None:
            return waits
        if mode not in self._presence:
            both = core.flag(_occupies(task, mode))
            core.model.add_bool_and(chosen, waits).only_enforce_if(both)
            core.model.add_bool_or(both, ~chosen, ~waits)
            self._presence[mode] = both
        return self._presence[mode]

    def interval(self, mode: int, setup: int = 0) -> Any:
        """Interval in which a task in this mode keeps its machine, and for ``setup`` longer."""
        core = self._core
        task = int(core.task_of_mode[mode])
        start, size = core.starts[task], self._sizes[task] + setup
        end = core.starts[task + 1] + setup
        presence = self.presence(mode)
        if presence is None:
            return core.model.new_interval_var(start, size, end, "")
        return core.model.new_optional_interval_var(start, size, end, presence, "")

    def _flag_waiting(self, task: int) -> Any:
        """Make the literal that a task keeps its machine for some time."""
        model, size = self._core.model, self._sizes[task]
        waits = self._core.flag(lambda reading: reading.held[task] > reading.start[task])
        model.add(size >= 1).only_enforce_if(waits)
        model.add(size == 0).only_enforce_if(~waits)
        model.add(self._core.starts[task + 1] == self._core.starts[task] + size)
        return waits


def _size_of(task: int) -> Hint:
    def size(reading: Reading) -> int:
        return reading.held[task] - reading.start[task]

    return size


def _occupies(task: int, mode: int) -> Hint:
    def occupies(reading: Reading) -> int:
        return reading.mode[task] == mode and reading.held[task] > reading.start[task]

    return occupies
