"""Scheduling and placement problems, stated once, solved with a bound, checked independently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduling.errors import InputError, SchedulingError, UnsupportedError
    from scheduling.models.checking import check
    from scheduling.models.schedule.builder import ScheduleModel
    from scheduling.models.schedule.problem import ScheduleProblem
    from scheduling.models.schedule.solution import ScheduleSolution
    from scheduling.solvers.driver import solve

_HOMES = {
    "InputError": "scheduling.errors",
    "ScheduleModel": "scheduling.models.schedule.builder",
    "ScheduleProblem": "scheduling.models.schedule.problem",
    "ScheduleSolution": "scheduling.models.schedule.solution",
    "SchedulingError": "scheduling.errors",
    "UnsupportedError": "scheduling.errors",
    "check": "scheduling.models.checking",
    "solve": "scheduling.solvers.driver",
}

__all__ = [
    "InputError",
    "ScheduleModel",
    "ScheduleProblem",
    "ScheduleSolution",
    "SchedulingError",
    "UnsupportedError",
    "check",
    "solve",
]


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that importing the package stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'scheduling' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
