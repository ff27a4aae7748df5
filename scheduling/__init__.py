"""Scheduling and placement problems, stated once, solved with a bound, checked independently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduling.errors import (
        CheckError,
        InputError,
        PolicyError,
        SchedulingError,
        SolverError,
        UnsupportedError,
    )
    from scheduling.instances.files import read, read_solution, write, write_solution
    from scheduling.models.checking import check
    from scheduling.models.front import ParetoFront
    from scheduling.models.schedule.builder import ScheduleModel
    from scheduling.models.schedule.online import OnlineSchedule
    from scheduling.models.schedule.problem import ScheduleProblem
    from scheduling.models.schedule.solution import ScheduleSolution
    from scheduling.planner.plan import plan
    from scheduling.simulator.simulate import simulate
    from scheduling.solvers.driver import solve
    from scheduling.solvers.explain import explain
    from scheduling.solvers.pareto import pareto

_HOMES = {
    "CheckError": "scheduling.errors",
    "InputError": "scheduling.errors",
    "ParetoFront": "scheduling.models.front",
    "OnlineSchedule": "scheduling.models.schedule.online",
    "PolicyError": "scheduling.errors",
    "ScheduleModel": "scheduling.models.schedule.builder",
    "ScheduleProblem": "scheduling.models.schedule.problem",
    "ScheduleSolution": "scheduling.models.schedule.solution",
    "SchedulingError": "scheduling.errors",
    "SolverError": "scheduling.errors",
    "UnsupportedError": "scheduling.errors",
    "check": "scheduling.models.checking",
    "explain": "scheduling.solvers.explain",
    "pareto": "scheduling.solvers.pareto",
    "plan": "scheduling.planner.plan",
    "read": "scheduling.instances.files",
    "read_solution": "scheduling.instances.files",
    "simulate": "scheduling.simulator.simulate",
    "solve": "scheduling.solvers.driver",
    "write": "scheduling.instances.files",
    "write_solution": "scheduling.instances.files",
}

__all__ = [
    "CheckError",
    "InputError",
    "OnlineSchedule",
    "ParetoFront",
    "PolicyError",
    "ScheduleModel",
    "ScheduleProblem",
    "ScheduleSolution",
    "SchedulingError",
    "SolverError",
    "UnsupportedError",
    "check",
    "explain",
    "pareto",
    "plan",
    "read",
    "read_solution",
    "simulate",
    "solve",
    "write",
    "write_solution",
]


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that importing the package stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'scheduling' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what people call, loaded or not."""
    return sorted(__all__)
