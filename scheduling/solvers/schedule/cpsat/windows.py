"""Domains of start times: what precedences, deadlines, breaks and known values leave over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import CONSUMABLE, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import (
    Edges,
    difference_edges,
    earliest_starts,
    horizon,
    longest_paths,
)

_MAKESPAN = MEASURES.index("makespan")


@dataclass(frozen=True, eq=False)
class Windows:
    """Start windows ``earliest[i] <= start[i] <= latest[i]`` and the time when all is over."""

    earliest: Ints
    latest: Ints
    horizon: int


def start_windows(arrays: ScheduleArrays, limits: list[tuple[int, int]]) -> Windows | None:
    """Tighten the starts by heads, tails, deadlines and limits on tiers.

    Parameters
    ----------
    arrays
        The problem.
    limits
        Pairs ``(tier, value)``: the tier's value may not exceed ``value``. A limit on a tier of
        the makespan alone cuts the horizon.

    Returns
    -------
    Windows or None
        ``None`` when some task has no start left.
    """
    end = horizon(arrays)
    for tier, value in limits:
        weights = arrays.weights[tier]
        if weights[_MAKESPAN] > 0 and np.count_nonzero(weights) == 1:
            end = min(end, value // int(weights[_MAKESPAN]))
    edges = difference_edges(arrays)
    earliest = earliest_starts(arrays, edges)
    if earliest is None:
        return None
    last = np.minimum(arrays.deadline, end) - arrays.min_duration()
    reverse = Edges(edges.after, edges.before, edges.weight)
    before_end = longest_paths(arrays.n_tasks, reverse, -last)
    if before_end is None or np.any(earliest > -before_end):
        return None
    return Windows(earliest, -before_end, end)


@dataclass(frozen=True, slots=True)
class Level:
    """The capacity of a resource is ``capacity`` in ``[start, end)``."""

    start: int
    end: int
    capacity: int


def levels(arrays: ScheduleArrays, resource: int, end: int) -> list[Level]:
    """Capacity of a resource over time, up to the horizon ``end``."""
    steps = arrays.steps(resource)
    stops = [start for start, _ in steps[1:]] + [NEVER]
    return [
        Level(start, min(stop, end), capacity)
        for (start, capacity), stop in zip(steps, stops, strict=True)
        if start < end
    ]


def forbidden_starts(
    arrays: ScheduleArrays, mode: int, profile: dict[int, list[Level]]
) -> Iterator[tuple[int, int]]:
    """Yield closed intervals of starts at which a mode would meet too small a capacity.

    Parameters
    ----------
    arrays
        The problem.
    mode
        Global index of the mode.
    profile
        Levels of the resources whose capacity changes; others are left out.
    """
    duration = int(arrays.duration[mode])
    if duration == 0:
        return
    needs = arrays.demands(mode)
    machine = int(arrays.machine[mode])
    if machine >= 0:
        needs.append((machine, 1))
    for resource, amount in needs:
        for level in profile.get(resource, ()):
            if level.capacity < amount:
                yield level.start - duration + 1, level.end - 1


def changing_profiles(arrays: ScheduleArrays, end: int) -> dict[int, list[Level]]:
    """Levels of all machines and renewables whose capacity changes over time."""
    return {
        resource: levels(arrays, resource, end)
        for resource in range(arrays.n_resources)
        if not arrays.constant(resource) and arrays.resource_type[resource] != CONSUMABLE
    }


def subtract(low: int, high: int, holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what remains of the closed interval ``[low, high]`` without ``holes``, closed too."""
    remaining = []
    for first, last in sorted(holes):
        if last < low:
            continue
        if first > high:
            break
        if first > low:
            remaining.append((low, first - 1))
        low = last + 1
    if low <= high:
        remaining.append((low, high))
    return remaining
