"""Variables that the parts of a model of some of a problem's rules share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduling.models.schedule.arrays import Ints, ScheduleArrays


@dataclass(frozen=True, eq=False)
class Subset:
    """Variables of the model.

    Attributes
    ----------
    model : cp_model.CpModel
        The model.
    arrays : ScheduleArrays
        The problem.
    end : int
        The horizon.
    starts, ends : dict
        Of each task in the model.
    chosen : dict
        Literal of each mode in the model.
    owner : (M,) array
        Task of each mode.
    demanded : callable
        From a task to the literals of the rule that it is done at all; ``None`` without that rule.
    interval : callable
        Interval in which a mode runs.
    runs : callable
        From a task to the literal that it runs; no literal where it always does.
    """

    model: Any
    arrays: ScheduleArrays
    end: int
    starts: dict[int, Any]
    ends: dict[int, Any]
    chosen: dict[int, Any]
    owner: Ints
    demanded: Callable[[int], list[Any] | None]
    interval: Callable[[int], Any]
    runs: Callable[[int], list[Any]]

    def task(self, mode: int) -> int:
        """Task of a mode."""
        return int(self.owner[mode])

    def on(self, machine: int) -> list[int]:
        """Modes in the model that run on a machine."""
        return [mode for mode in self.chosen if self.arrays.machine[mode] == machine]
