"""How much of each resource a schedule uses, over time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    MACHINE,
    NEVER,
    RENEWABLE,
    RESERVOIR,
    Ints,
    ScheduleArrays,
)
from scheduling.report.schedule.placement import Placement

Steps = tuple[tuple[int, int], ...]
"""A step function: from ``time`` on the value is ``level``; 0 before the first step."""


class Use(NamedTuple):
    """One task's use of one resource."""

    task: int
    amount: int


class Profile(NamedTuple):
    """Usage of a resource against its capacity.

    Parameters
    ----------
    label
        The resource's name.
    kind
        ``"renewable"``, ``"consumable"`` (usage is what has been taken so far, each task taking
        its amount when it starts), ``"reservoir"`` (usage is the level) or ``"machines"`` (number
        of machines that work, of those open).
    usage, capacity
        Step functions; a reservoir without a maximum has no step in ``capacity``.
    share
        Used part of what was available until the schedule's end, from 0 to 1; ``None`` when
        nothing was available or the resource is consumable or a reservoir.
    """

    label: str
    kind: str
    usage: Steps
    capacity: Steps
    share: float | None


def resource_uses(arrays: ScheduleArrays, placement: Placement) -> list[list[Use]]:
    """List the placed tasks that use each resource, in the order of the tasks."""
    uses: list[list[Use]] = [[] for _ in range(arrays.n_resources)]
    for task in placement.tasks:
        mode = int(placement.mode[task])
        machine = int(arrays.machine[mode])
        if machine >= 0:
            uses[machine].append(Use(task, 1))
        for resource, amount in arrays.demands(mode):
            uses[resource].append(Use(task, amount))
    return uses


def usage_steps(uses: list[Use], placement: Placement) -> Steps:
    """Sum the amounts in use over time; tasks without duration occupy nothing."""
    tasks = np.array([use.task for use in uses], np.int64)
    amounts = np.array([use.amount for use in uses], np.int64)
    start, end = placement.start[tasks], placement.end[tasks]
    lasting = end > start
    start, end, amounts = start[lasting], end[lasting], amounts[lasting]
    return _sum(np.concatenate([start, end]), np.concatenate([amounts, -amounts]))


def reservoir_level(arrays: ScheduleArrays, resource: int, placement: Placement) -> Steps:
    """Level of a reservoir over time: tasks take at their start and put back at their end."""
    moments, changes = [0], [int(arrays.capacity[resource])]
    for task, taken, given in reservoir_users(arrays, resource, placement):
        moments += [int(placement.start[task]), int(placement.end[task])]
        changes += [-taken, given]
    return _sum(np.array(moments, np.int64), np.array(changes, np.int64))


def reservoir_users(
    arrays: ScheduleArrays, resource: int, placement: Placement
) -> list[tuple[int, int, int]]:
    """Return the placed tasks that use a reservoir, with what each takes and puts back."""
    modes = placement.mode
    found = []
    for task in placement.tasks:
        mode = int(modes[task])
        rows = slice(arrays.supply_ptr[mode], arrays.supply_ptr[mode + 1])
        put = arrays.supply_amount[rows][arrays.supply_resource[rows] == resource]
        taken = sum(amount for other, amount in arrays.demands(mode) if other == resource)
        if taken or put.size:
            found.append((task, taken, int(put.sum())))
    return found


def level(steps: Steps, time: int) -> int:
    """Value of a step function at a moment."""
    at = bisect_right(steps, time, key=lambda step: step[0]) - 1
    return steps[at][1] if at >= 0 else 0


def build_profiles(
    arrays: ScheduleArrays,
    names: list[str],
    uses: list[list[Use]],
    placement: Placement,
    until: int,
) -> tuple[Profile, ...]:
    """Return the profiles worth a chart of their own.

    That is every renewable, consumable and reservoir and, from two machines on, all machines
    together (a single machine is either busy or not, which the Gantt chart shows).
    """
    profiles = []
    machines = [r for r in range(arrays.n_resources) if arrays.resource_type[r] == MACHINE]
    if len(machines) > 1:
        busy = usage_steps([use for r in machines for use in uses[r]], placement)
        steps = [step for r in machines for step in _changes(arrays.steps(r))]
        moments, changes = (np.array(column, np.int64) for column in zip(*steps, strict=True))
        open_machines = _sum(moments, changes)
        share = _share(busy, open_machines, until)
        profiles.append(Profile("machines at work", "machines", busy, open_machines, share))
    for resource, name in enumerate(names):
        capacity = tuple(arrays.steps(resource))
        if arrays.resource_type[resource] == RENEWABLE:
            usage = usage_steps(uses[resource], placement)
            share = _share(usage, capacity, until)
            profiles.append(Profile(name, "renewable", usage, capacity, share))
        elif arrays.resource_type[resource] == CONSUMABLE:
            tasks = np.array([use.task for use in uses[resource]], np.int64)
            amounts = np.array([use.amount for use in uses[resource]], np.int64)
            taken = _sum(placement.start[tasks], amounts)
            profiles.append(Profile(name, "consumable", taken, capacity, None))
        elif arrays.resource_type[resource] == RESERVOIR:
            largest = int(arrays.maximum[resource])
            limit = ((0, largest),) if largest < NEVER else ()
            levels = reservoir_level(arrays, resource, placement)
            profiles.append(Profile(name, "reservoir", levels, limit, None))
    return tuple(profiles)


def _changes(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(now, after - before) for (_, before), (now, after) in pairwise([(0, 0), *steps])]


def _sum(moments: Ints, changes: Ints) -> Steps:
    """Add up changes into a step function without steps that change nothing."""
    times, place = np.unique(moments, return_inverse=True)
    total = np.zeros(len(times), np.int64)
    np.add.at(total, place, changes)
    moving = total != 0
    levels = np.cumsum(total[moving])
    return tuple(zip(times[moving].tolist(), levels.tolist(), strict=True))


def _share(usage: Steps, capacity: Steps, until: int) -> float | None:
    available = _area(capacity, until)
    return _area(usage, until) / available if available > 0 else None


def _area(steps: Steps, until: int) -> int:
    """Integral of a step function from 0 to ``until``."""
    clipped = [(min(max(time, 0), until), value) for time, value in steps]
    pairs = pairwise([*clipped, (until, 0)])
    return sum(value * (after - now) for (now, value), (after, _) in pairs)
