"""A scheduling problem as kernels see it: modes that fit, start-to-start edges, packed capacities.

Every precedence becomes one or two *edges* ``start[v] >= start[u] + f d(u) + w - t d(v)`` with
f, t in {0, 1} and d the duration of the chosen mode, so all kinds of lags look alike. A *rank*
orders the tasks such that as many edges as possible point forwards; edges that point backwards
(maximal lags, mostly) are limits that only schedule generation with unscheduling can keep.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    NEVER,
    START_END,
    ScheduleArrays,
)
from scheduling.models.schedule.objective import JOB_MEASURES
from scheduling.models.schedule.windows import difference_edges, earliest_starts, horizon

Ints = NDArray[np.int64]

PACKED, PURE, LAGGED, SPAN_ONLY, TIERS, STOCKS, GUARD, WEIGHTS, FIRST_STOCK = range(9)
"""Entries of ``Project.facts``: capacities packed into words of a dense time axis; all edges are
forward, end-start and not negative; some edge points backwards; the makespan is the only measure;
number of tiers; number of consumables; guard bits of packed words; where the weights of the first
tier lie; where the stocks lie."""

MODES, RELEASE, DEADLINE, INTO, OUT, BEFORE, RANK, SEQUENCE, JOB = range(9)
"""Rows of ``Project.task``: first mode; window; first edge into and out of the task; number of
forward edges into it; its position in a linear order that forward edges follow; the task at a
position of that order; its job."""

LENGTH, NEEDS, USES, WORD, ORIGIN = range(5)
"""Rows of ``Project.mode``: duration; first pair of the machines and renewables it holds and of
the consumables it uses up; its needs as a packed word; its global index."""

TAIL, HEAD, FROM_END, TO_END, LAG, FORWARD = range(6)
"""Columns of ``Project.edge``: u, v, f, t, w and whether it is a forward edge."""

STEPS, ROOM = range(2)
"""Rows of ``Project.resource``: first pair of its capacity steps; first event in a profile."""

TASKS, READY, DUE, WEIGHT = range(4)
"""Rows of ``Project.job``: first task, release date, due date, weight."""

MEASURE_COUNT = len(JOB_MEASURES)

_PACKED_LENGTH = 24
_PACKED_HORIZON = 1 << 16


class Project(NamedTuple):
    """Tables of ``n`` tasks, ``M`` modes that fit, ``K`` renewables and machines, ``E`` edges.

    A compiled function pays for every array that it is handed, so there are few and each holds
    several attributes; the constants of this module name their rows. Rows of first indices have
    one more entry that ends the last range.

    Attributes
    ----------
    facts
        Properties of the whole, stocks of consumables, weights of the objective.
    task, mode, resource, job
        Attribute by row.
    edge
        All edges ordered by head, then all of them again ordered by tail.
    pair
        ``(resource, amount)`` of needs and of uses, ``(start, capacity)`` of capacity steps.
    base
        When packed: free capacity by time unit, guard bits set.
    """

    facts: Ints
    task: Ints
    mode: Ints
    resource: Ints
    job: Ints
    edge: Ints
    pair: Ints
    base: Ints


def make_project(arrays: ScheduleArrays) -> Project | None:
    """Translate a problem.

    Returns
    -------
    Project or None
        ``None`` when the precedences contradict each other or some task fits in no mode: no
        schedule exists.
    """
    keep = _fitting_modes(arrays)
    if np.any(np.add.reduceat(keep.astype(np.int64), arrays.mode_ptr[:-1]) == 0):
        return None
    heads = earliest_starts(arrays)
    if heads is None:
        return None
    mode_id = np.flatnonzero(keep).astype(np.int64)
    task = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))[keep]
    needs, uses = _demands(arrays, mode_id)
    steps = [arrays.steps(int(r)) for r in np.flatnonzero(arrays.resource_type != CONSUMABLE)]
    facts = _facts(arrays)
    rank = _rank(arrays, heads)
    edge, into, out = _edge_table(_edges(arrays), rank, facts)
    table = _task_table(arrays, task, into, out)
    _set_rank(table, edge, rank)
    mode = np.stack(
        [
            _ended(arrays.duration[mode_id]),
            _pointer(needs[:, 0], len(mode_id)),
            _pointer(uses[:, 0], len(mode_id)) + len(needs),
            np.zeros(len(mode_id) + 1, np.int64),
            _ended(mode_id),
        ]
    )
    counts = np.array([len(rows) for rows in steps], np.int64)
    users = np.unique(needs[:, 1] * arrays.n_tasks + task[needs[:, 0]]) // arrays.n_tasks
    room = counts + 2 * np.bincount(users, minlength=len(steps)) + 4
    step_rows = np.array([row for rows in steps for row in rows], np.int64).reshape(-1, 2)
    return Project(
        facts=facts,
        task=table,
        mode=mode,
        resource=np.stack([_sums(counts) + len(needs) + len(uses), _sums(room)]),
        job=np.stack(
            [
                arrays.job_ptr,
                _ended(arrays.job_release),
                _ended(arrays.job_due),
                _ended(arrays.job_weight),
            ]
        ),
        edge=edge,
        pair=np.concatenate([needs[:, 1:], uses[:, 1:], step_rows]),
        base=_pack(arrays, steps, needs, mode, facts),
    )


def mirror_project(project: Project) -> Project:
    """Return the same project with time running backwards.

    Windows keep their forward values: who generates on the mirrored axis hands in its own.
    """
    half = len(project.edge) // 2
    edge = project.edge[:half]
    columns = [HEAD, TAIL, TO_END, FROM_END, LAG]
    turned = edge[:, columns]
    turned[:, FROM_END] = 1 - edge[:, TO_END]
    turned[:, TO_END] = 1 - edge[:, FROM_END]
    n = project.task.shape[1] - 1
    rank = n - 1 - project.task[RANK, :n]
    facts = project.facts.copy()
    edge, into, out = _edge_table(turned, rank, facts)
    task = project.task.copy()
    task[INTO], task[OUT] = into, out
    _set_rank(task, edge, rank)
    facts[PURE] = project.facts[PURE]
    return project._replace(task=task, edge=edge, facts=facts)


def _sums(counts: Ints) -> Ints:
    """First index of each of consecutive ranges, and the end of the last."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _pointer(owner: Ints, size: int) -> Ints:
    return _sums(np.bincount(owner, minlength=size))


def _ended(values: Ints) -> Ints:
    """Append a zero, so that a row of values is as long as a row of first indices."""
    return np.append(values, 0)


def _facts(arrays: ScheduleArrays) -> Ints:
    stock = arrays.capacity[arrays.resource_type == CONSUMABLE]
    facts = np.zeros(FIRST_STOCK, np.int64)
    measured = np.flatnonzero(arrays.weights.sum(axis=0))
    facts[SPAN_ONLY] = int(np.array_equal(measured, [0]))
    facts[TIERS] = len(arrays.weights)
    facts[STOCKS] = len(stock)
    facts[WEIGHTS] = FIRST_STOCK + len(stock)
    return np.concatenate([facts, stock, arrays.weights[:, :MEASURE_COUNT].ravel()])


def _task_table(arrays: ScheduleArrays, owner: Ints, into: Ints, out: Ints) -> Ints:
    """Rows of tasks, rank and what depends on it apart; ``owner`` is the task of each mode."""
    n = arrays.n_tasks
    task = np.zeros((9, n + 1), np.int64)
    task[MODES] = _pointer(owner, n)
    task[RELEASE, :n], task[DEADLINE, :n] = arrays.release, arrays.deadline
    task[INTO], task[OUT] = into, out
    task[JOB, :n] = arrays.job
    return task


def _set_rank(task: Ints, edge: Ints, rank: Ints) -> None:
    n = len(rank)
    half = edge[: len(edge) // 2]
    task[BEFORE, :n] = np.bincount(half[half[:, FORWARD] > 0, HEAD], minlength=n)
    task[RANK, :n] = rank
    task[SEQUENCE, :n] = np.argsort(rank)


def _fitting_modes(arrays: ScheduleArrays) -> NDArray[np.bool_]:
    """Modes whose every need is met by a stretch of capacity as long as they last."""
    keep = np.ones(len(arrays.duration), np.bool_)
    owner = np.repeat(np.arange(len(keep)), np.diff(arrays.demand_ptr))
    amount, resource = arrays.demand_amount, arrays.demand_resource
    stock = (arrays.resource_type == CONSUMABLE)[resource]
    keep[owner[stock & (amount > arrays.capacity[resource])]] = False
    last = arrays.step_capacity[arrays.step_ptr[1:] - 1]
    doubtful = np.flatnonzero(~stock & (amount > last[resource]))
    pairs = zip(owner[doubtful], resource[doubtful], amount[doubtful], strict=True)
    for mode, r, need in pairs:
        if arrays.duration[mode] and arrays.duration[mode] > _longest_stretch(arrays, r, need):
            keep[mode] = False
    return keep


def _longest_stretch(arrays: ScheduleArrays, resource: int, amount: int) -> int:
    """Longest time in which a resource has ``amount`` units on end, the last step apart."""
    steps = arrays.steps(resource)
    best, since = 0, None
    for (start, level), (end, _) in pairwise(steps):
        if level < amount:
            since = None
            continue
        since = start if since is None else since
        best = max(best, end - since)
    return best


def _demands(arrays: ScheduleArrays, mode_id: Ints) -> tuple[Ints, Ints]:
    """Rows ``(mode, resource, amount)`` of needs and of uses, with dense indices."""
    stock = arrays.resource_type == CONSUMABLE
    dense = np.where(stock, np.cumsum(stock), np.cumsum(~stock)) - 1
    number = np.full(len(arrays.duration), -1, np.int64)
    number[mode_id] = np.arange(len(mode_id))
    owner = number[np.repeat(np.arange(len(number)), np.diff(arrays.demand_ptr))]
    resource = arrays.demand_resource
    rows = np.stack([owner, dense[resource], arrays.demand_amount], axis=1)[owner >= 0]
    is_stock = stock[resource][owner >= 0]
    machine = arrays.machine[mode_id]
    seated = np.flatnonzero(machine >= 0)
    seats = np.stack([seated, dense[machine[seated]], np.ones(len(seated), np.int64)], axis=1)
    needs = np.concatenate([seats, rows[~is_stock]])
    return needs[np.argsort(needs[:, 0], kind="stable")], rows[is_stock]


def _edges(arrays: ScheduleArrays) -> Ints:
    """All edges as rows ``(u, v, f, t, w)``."""
    kind = arrays.link_kind
    from_end = ((kind == END_START) | (kind == END_END)).astype(np.int64)
    to_end = ((kind == END_END) | (kind == START_END)).astype(np.int64)
    low, high = arrays.link_min > -NEVER, arrays.link_max < NEVER
    before, after = arrays.link_before, arrays.link_after
    at_least = np.stack([before, after, from_end, to_end, arrays.link_min], axis=1)[low]
    at_most = np.stack([after, before, to_end, from_end, -arrays.link_max], axis=1)[high]
    return np.concatenate([at_least, at_most])


def _rank(arrays: ScheduleArrays, heads: Ints) -> Ints:
    """Topological order of the edges of non-negative length; zero cycles are cut at the front."""
    relaxed = difference_edges(arrays)
    binding = relaxed.weight >= 0
    n = arrays.n_tasks
    successors: list[list[int]] = [[] for _ in range(n)]
    waiting = np.bincount(relaxed.after[binding], minlength=n).tolist()
    pairs = zip(relaxed.before[binding].tolist(), relaxed.after[binding].tolist(), strict=True)
    for u, v in pairs:
        successors[u].append(v)
    by_head = deque(np.argsort(heads, kind="stable").tolist())
    ready = deque(u for u in by_head if waiting[u] == 0)
    rank = np.full(n, -1, np.int64)
    for position in range(n):
        while not ready:
            u = by_head.popleft()
            if rank[u] < 0:
                ready.append(u)
        u = ready.popleft()
        rank[u] = position
        for v in successors[u]:
            waiting[v] -= 1
            if waiting[v] == 0 and rank[v] < 0:
                ready.append(v)
    return rank


def _edge_table(edge: Ints, rank: Ints, facts: Ints) -> tuple[Ints, Ints, Ints]:
    """Edges by head and by tail, with the first of each task in either half."""
    n = len(rank)
    forward = rank[edge[:, TAIL]] < rank[edge[:, HEAD]]
    end_start = (edge[:, FROM_END] == 1) & (edge[:, TO_END] == 0) & (edge[:, LAG] >= 0)
    facts[LAGGED] = int(not forward.all())
    facts[PURE] = int((forward & end_start).all())
    rows = np.column_stack([edge, forward.astype(np.int64)])
    by_head = np.argsort(edge[:, HEAD], kind="stable")
    by_tail = np.argsort(edge[:, TAIL], kind="stable")
    table = np.concatenate([rows[by_head], rows[by_tail]])
    return table, _pointer(edge[:, HEAD], n), _pointer(edge[:, TAIL], n) + len(edge)


def _pack(
    arrays: ScheduleArrays,
    steps: list[list[tuple[int, int]]],
    needs: Ints,
    mode: Ints,
    facts: Ints,
) -> Ints:
    """Pack capacities where the time axis is short enough for that to be faster; else nothing.

    Each resource has a field of bits, topped by a guard bit that a subtraction must leave set.
    """
    unlimited = replace(arrays, deadline=np.full(arrays.n_tasks, NEVER))
    length = horizon(unlimited) + int(arrays.duration.max(initial=0)) + 1
    widths = [max(level for _, level in rows).bit_length() + 1 for rows in steps]
    long = mode[LENGTH, :-1].mean() > _PACKED_LENGTH or length > _PACKED_HORIZON
    if not steps or long or sum(widths) > 64:
        return np.zeros(0, np.int64)
    offset = np.concatenate([[0], np.cumsum(widths)]).astype(np.uint64)
    guard = np.uint64(sum(1 << (int(end) - 1) for end in offset[1:]))
    base = np.full(length, guard, np.uint64)
    for number, rows in enumerate(steps):
        ends = [start for start, _ in rows[1:]] + [length]
        for (start, level), end in zip(rows, ends, strict=True):
            base[start:end] += np.uint64(level << int(offset[number]))
    lasting = needs[mode[LENGTH, needs[:, 0]] > 0]
    word = np.zeros(mode.shape[1], np.uint64)
    np.add.at(word, lasting[:, 0], lasting[:, 2].astype(np.uint64) << offset[lasting[:, 1]])
    mode[WORD] = word.view(np.int64)
    facts[PACKED] = 1
    facts[GUARD] = guard.view(np.int64)
    return base.view(np.int64)
