"""Which problems can be run online, and why others cannot."""

from __future__ import annotations

import numpy as np

from scheduling.errors import UnsupportedError
from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_START,
    MACHINE,
    NEVER,
    RENEWABLE,
    ScheduleArrays,
)
from scheduling.models.schedule.problem import Machine, ScheduleProblem

_TAKEN = frozenset(
    {
        "setups",
        "total setup in the objective",
        "transfers",
        "transports",
        "blocking",
        "interruptible tasks",
        "cost in the objective",
        "energy in the objective",
    }
)


_REASONS = {
    "maximal lags or no-wait": "a start would promise the times of later ones",
    "no idle": "a machine would have to know when its last task comes",
    "batching": "a batch that runs takes nobody in, and tasks are started one by one",
    "setups beside blocking jobs": "jobs that exchange machines would wait for each other's setups",
}
"""Why some rules cannot be kept step by step."""


def check_support(problem: ScheduleProblem, arrays: ScheduleArrays) -> None:
    """Refuse problems in which a schedule that grows step by step may reach a dead end.

    Raises
    ------
    UnsupportedError
        That names what the problem has too much.
    """
    limits = {
        "maximal lags or no-wait": np.any(arrays.link_max < NEVER),
        "consumables": np.any(arrays.resource_type == CONSUMABLE),
        "precedences other than end-start": np.any(arrays.link_kind != END_START),
        "negative lags": np.any(arrays.link_min < 0),
        "renewables whose capacity changes": any(
            not arrays.constant(r)
            for r in np.flatnonzero(arrays.resource_type == RENEWABLE).tolist()
        ),
        "blocking jobs with alternative modes, demands or precedences": _tangled(arrays),
        "setups beside blocking jobs": bool(arrays.setups) and np.any(arrays.blocking),
        "machines with breaks for tasks that may not pause": _unpausable(problem),
    }
    found = [name for name, present in limits.items() if present]
    found += sorted(arrays.features - _TAKEN)
    if found:
        named = [f"{name} ({_REASONS[name]})" if name in _REASONS else name for name in found]
        raise UnsupportedError(f"online schedules take no {' and no '.join(named)}")
    lost = _never_fits(arrays)
    if lost is not None:
        name = arrays.task_ids[lost]
        raise UnsupportedError(f"task {name!r} demands more than there is in each of its modes")


def _tangled(arrays: ScheduleArrays) -> bool:
    """Whether a blocking job has more than one way on, so that waiting may never end."""
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    blocked = arrays.blocking[arrays.job]
    several = blocked & (np.diff(arrays.mode_ptr) > 1)
    demanding = blocked[owner] & (np.diff(arrays.demand_ptr) > 0)
    free = ~arrays.chained
    tied = blocked[arrays.link_before[free]] | blocked[arrays.link_after[free]]
    return bool(several.any() or demanding.any() or tied.any())


def _unpausable(problem: ScheduleProblem) -> bool:
    broken = {calendar.id for calendar in problem.calendars if calendar.breaks}
    stopping = {
        resource.id
        for resource in problem.resources
        if isinstance(resource, Machine) and resource.calendar in broken
    }
    return any(
        mode.machine in stopping and not task.interruptible
        for task in problem.tasks
        for mode in task.modes
    )


def fits(arrays: ScheduleArrays, mode: int) -> bool:
    """Whether a mode demands no more than the capacities."""
    return all(
        amount <= int(arrays.capacity[resource])
        for resource, amount in arrays.demands(mode)
        if int(arrays.resource_type[resource]) != MACHINE
    )


def _never_fits(arrays: ScheduleArrays) -> int | None:
    for task in range(arrays.n_tasks):
        modes = range(int(arrays.mode_ptr[task]), int(arrays.mode_ptr[task + 1]))
        if not any(fits(arrays, mode) for mode in modes):
            return task
    return None
