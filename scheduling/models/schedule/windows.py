"""Time windows from precedences: difference edges, earliest starts, tails and a safe horizon."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

import numpy as np

from scheduling.models.schedule.arrays import (
    END_END,
    END_START,
    NEVER,
    RESERVOIR,
    START_END,
    Ints,
    ScheduleArrays,
)


@dataclass(frozen=True, eq=False)
class Edges:
    """Relations ``start[after] >= start[before] + weight`` that hold in every solution."""

    before: Ints
    after: Ints
    weight: Ints


def difference_edges(arrays: ScheduleArrays) -> Edges:
    """Relax all precedences to start-to-start distances (exact for single-mode tasks).

    With d the shortest and D the longest duration: an end-start minimal lag l gives
    ``s_j >= s_i + d_i + l``; an end-end one ``s_j >= s_i + d_i + l - D_j``; a maximal lag is a
    minimal lag in the other direction. Links of tasks that may be skipped bind only sometimes and
    are left out.
    """
    low, high = arrays.min_duration(), arrays.max_duration()
    before, after, kind = arrays.link_before, arrays.link_after, arrays.link_kind
    from_end = (kind == END_START) | (kind == END_END)
    to_end = (kind == END_END) | (kind == START_END)
    has_min = arrays.firm & (arrays.link_min > -NEVER)
    has_max = arrays.firm & ~arrays.passing & (arrays.link_max < NEVER)
    forward = arrays.link_min + from_end * low[before] - to_end * high[after]
    backward = -arrays.link_max + to_end * low[after] - from_end * high[before]
    return Edges(
        np.concatenate([before[has_min], after[has_max]]),
        np.concatenate([after[has_min], before[has_max]]),
        np.concatenate([forward[has_min], backward[has_max]]),
    )


def longest_paths(n: int, edges: Edges, source: Ints) -> Ints | None:
    """Least values with ``value >= source`` and ``value[after] >= value[before] + weight``.

    Label correction in topological order where the graph has one (one pass), by rounds otherwise.

    Returns
    -------
    Ints or None
        ``None`` when a cycle of positive length makes the system infeasible.
    """
    successors: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    indegree = [0] * n
    triples = zip(edges.before.tolist(), edges.after.tolist(), edges.weight.tolist(), strict=True)
    for i, j, weight in triples:
        successors[i].append((j, weight))
        indegree[j] += 1
    value: list[int] = source.tolist()
    order = [i for i in range(n) if indegree[i] == 0]
    for i in order:
        base = value[i]
        for j, weight in successors[i]:
            if base + weight > value[j]:
                value[j] = base + weight
            indegree[j] -= 1
            if indegree[j] == 0:
                order.append(j)
    if len(order) < n and not _relax(value, successors, n):
        return None
    return np.array(value, dtype=np.int64)


def _relax(value: list[int], successors: list[list[tuple[int, int]]], n: int) -> bool:
    """Bellman-Ford with a queue; False when a positive cycle exists."""
    active = list(range(n))
    for _ in range(n + 1):
        changed: dict[int, None] = {}
        for i in active:
            base = value[i]
            for j, weight in successors[i]:
                if base + weight > value[j]:
                    value[j] = base + weight
                    changed[j] = None
        if not changed:
            return True
        active = list(changed)
    return False


def earliest_starts(arrays: ScheduleArrays, edges: Edges | None = None) -> Ints | None:
    """Heads: earliest start of each task by releases and precedences alone.

    Returns
    -------
    Ints or None
        ``None`` when the precedences contradict each other.
    """
    release = np.where(arrays.optional, 0, arrays.release)
    return longest_paths(arrays.n_tasks, edges or difference_edges(arrays), release)


def tails(arrays: ScheduleArrays, edges: Edges | None = None) -> Ints | None:
    """Least time from the start of each task to the end of the whole, its own duration included."""
    edges = edges or difference_edges(arrays)
    reverse = Edges(edges.after, edges.before, edges.weight)
    return longest_paths(arrays.n_tasks, reverse, arrays.min_duration())


def _longest_setup(arrays: ScheduleArrays) -> int:
    return max((time for table in arrays.setups.values() for time in table.values()), default=0)


def horizon(arrays: ScheduleArrays) -> int:
    """Compute a time by which some optimal schedule is complete, if any schedule exists.

    After the last release, break and capacity change every schedule can be shifted to the left
    until each moment is covered by a task or a lag, so the sum of the longest durations, lags,
    transfers and setups after that moment is enough. Periodic calendars add to it, task by task,
    the longest wait until they let the task start; where tasks cannot move one by one, all behind a
    gap can still move by the common period.
    """
    longest = arrays.max_duration()
    # A blocking task may have to keep its machine for a moment even if it takes no time itself.
    reach = np.where(arrays.blocking[arrays.job], np.maximum(longest, 1), longest)
    low = np.where(arrays.link_min > -NEVER, np.maximum(arrays.link_min, 0), 0)
    high = np.where(arrays.link_max < NEVER, np.maximum(-arrays.link_max, 0), 0)
    before, after = arrays.link_before, arrays.link_after
    np.maximum.at(reach, before, longest[before] + low)
    np.maximum.at(reach, after, longest[after] + high)
    np.add.at(reach, before, arrays.link_transfer)
    reach += int(arrays.transport.max(initial=0)) + _longest_setup(arrays)
    events = [arrays.release, arrays.step_start, arrays.window_start]
    last_event = max(int(moments.max(initial=0)) for moments in events)
    total = int(reach.sum())
    if arrays.worktimes:
        used = [run.worktime for run in arrays.runs if run is not None]
        last_event = max(last_event, *(worktime.last_change for worktime in used), 0)
        total += _waits(arrays)
    return min(last_event + total, int(arrays.deadline.max()))


def _waits(arrays: ScheduleArrays) -> int:
    """Time in which nothing runs because periodic calendars are closed, once all else is over."""
    tied = (
        bool(np.any(arrays.link_max < NEVER))
        or bool(np.any(arrays.resource_type == RESERVOIR))
        or bool(np.any(arrays.blocking))
        or bool(np.any(arrays.no_idle))
        or bool(arrays.same_order)
        or arrays.weighs("energy")
    )
    runs = [run for run in arrays.runs if run is not None]
    if tied:
        return arrays.n_tasks * lcm(*(run.worktime.period for run in runs))
    waits = np.array([0 if run is None else run.wait for run in arrays.runs], np.int64)
    return int(np.maximum.reduceat(waits, arrays.mode_ptr[:-1]).sum())
