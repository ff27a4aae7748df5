"""The problem that remains when most of a schedule is kept.

Visible tasks may move. Free ones among them may also change mode and order; the others keep their
modes and their order on every resource, but not their times. Tasks that are not visible stay as
they are and only take capacity away, so the part of a huge problem is a small problem. Setups,
reservoirs and the other rules that reach across tasks hold among visible tasks alone: where a
problem has any, all its tasks must be visible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    NEVER,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.bounds.pruning import kept_pairs
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.neighbourhood.compaction import order_links

_MAKESPAN = MEASURES.index("makespan")
_MAX_LATENESS = MEASURES.index("max_lateness")


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a problem as a problem of its own.

    Attributes
    ----------
    arrays
        The part; its tasks are ``tasks`` of the whole, its modes ``modes`` of the whole.
    current
        The schedule that is kept, restricted to the part.
    """

    arrays: ScheduleArrays
    tasks: Ints
    modes: Ints
    current: Candidate

    def merge(self, whole: Candidate, found: Candidate) -> Candidate:
        """Put a schedule of the part back into that of the whole."""
        start, mode = whole.start.copy(), whole.mode.copy()
        start[self.tasks] = found.start
        mode[self.tasks] = self.modes[found.mode]
        return Candidate(start, mode)


def part_of(
    arrays: ScheduleArrays, whole: Candidate, visible: Ints, free: Ints, tails: Ints | None
) -> Part:
    """Cut a part out of a problem around a schedule.

    Parameters
    ----------
    arrays
        The whole problem.
    whole
        The schedule.
    visible
        Tasks that may move, in rising order.
    free
        Those of them that may change order and mode.
    tails
        For each task, how long after its end the whole schedule goes on because of it. ``None``
        when all tasks are visible.
    """
    n = arrays.n_tasks
    inside = np.zeros(n, bool)
    inside[visible] = True
    freed = np.zeros(n, bool)
    freed[free] = True
    modes = _kept_modes(arrays, whole, inside, freed)
    local = np.full(n, -1)
    local[visible] = np.arange(len(visible))
    end = arrays.ends(whole.start, whole.mode)
    part = replace(
        arrays,
        task_ids=tuple(arrays.task_ids[task] for task in visible.tolist()),
        release=arrays.release[visible],
        deadline=arrays.deadline[visible],
        pausing=arrays.pausing[visible],
        **_windows_of(arrays, visible),
        **_modes_of(arrays, modes, visible),
        **_jobs_of(arrays, visible),
        **_links_of(arrays, whole, local, inside, visible[~freed[visible]]),
    )
    if len(visible) < n:
        part = _close_in(arrays, part, whole, end, inside, visible, local)
        part = _shift_objective(arrays, part, end, visible, tails)
    mode = np.searchsorted(modes, whole.mode[visible])
    return Part(part, visible, modes, Candidate(whole.start[visible], mode))


def _kept_modes(arrays: ScheduleArrays, whole: Candidate, inside: Ints, freed: Ints) -> Ints:
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    chosen = np.zeros(len(arrays.duration), bool)
    chosen[whole.mode] = True
    return np.flatnonzero(inside[owner] & (freed[owner] | chosen))


def _pointer(counts: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _modes_of(arrays: ScheduleArrays, modes: Ints, visible: Ints) -> dict[str, Any]:
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    counts = np.bincount(owner[modes], minlength=arrays.n_tasks)[visible]
    kept = np.zeros(len(arrays.duration), np.bool_)
    kept[modes] = True
    sizes = np.diff(arrays.demand_ptr)[modes]
    pointer = _pointer(sizes)
    rows = np.repeat(arrays.demand_ptr[modes] - pointer[:-1], sizes) + np.arange(pointer[-1])
    return {
        "mode_ptr": _pointer(counts),
        "duration": arrays.duration[modes],
        "machine": arrays.machine[modes],
        "site": arrays.site[modes],
        "work": arrays.work[modes],
        "demand_ptr": pointer,
        "demand_resource": arrays.demand_resource[rows],
        "demand_amount": arrays.demand_amount[rows],
        "state": arrays.state[modes],
        "absent": arrays.absent[modes],
        "local": arrays.local[modes],
        "cost": arrays.cost[modes],
        "energy": arrays.energy[modes],
        "banned": kept_pairs(arrays.banned, kept),
        **_supplies_of(arrays, modes),
    }


def _supplies_of(arrays: ScheduleArrays, modes: Ints) -> dict[str, Ints]:
    sizes = np.diff(arrays.supply_ptr)[modes]
    pointer = _pointer(sizes)
    rows = np.repeat(arrays.supply_ptr[modes] - pointer[:-1], sizes) + np.arange(pointer[-1])
    return {
        "supply_ptr": pointer,
        "supply_resource": arrays.supply_resource[rows],
        "supply_amount": arrays.supply_amount[rows],
    }


def _windows_of(arrays: ScheduleArrays, visible: Ints) -> dict[str, Any]:
    sizes = np.diff(arrays.window_ptr)[visible]
    pointer = _pointer(sizes)
    rows = np.repeat(arrays.window_ptr[visible] - pointer[:-1], sizes) + np.arange(pointer[-1])
    return {
        "window_ptr": pointer,
        "window_start": arrays.window_start[rows],
        "window_end": arrays.window_end[rows],
    }


def _jobs_of(arrays: ScheduleArrays, visible: Ints) -> dict[str, Any]:
    jobs, first, job = np.unique(arrays.job[visible], return_index=True, return_inverse=True)
    return {
        "job": job,
        "job_ptr": np.append(first, len(visible)),
        "job_release": arrays.job_release[jobs],
        "job_due": arrays.job_due[jobs],
        "job_weight": arrays.job_weight[jobs],
        "blocking": arrays.blocking[jobs],
        "same_mode": arrays.same_mode[jobs],
    }


def _links_of(
    arrays: ScheduleArrays, whole: Candidate, local: Ints, inside: Ints, ordered: Ints
) -> dict[str, Any]:
    """Links between visible tasks, and the order of those that keep it."""
    both = inside[arrays.link_before] & inside[arrays.link_after]
    pairs = np.array(order_links(arrays, whole, ordered), np.int64).reshape(-1, 2)
    zeros = np.zeros(len(pairs), np.int64)
    added = {
        "link_before": local[pairs[:, 0]],
        "link_after": local[pairs[:, 1]],
        "link_kind": zeros + END_START,
        "link_min": zeros,
        "link_max": zeros + NEVER,
        "link_transfer": zeros,
        "chained": zeros > 0,
    }
    kept = {
        "link_before": local[arrays.link_before[both]],
        "link_after": local[arrays.link_after[both]],
        "link_kind": arrays.link_kind[both],
        "link_min": arrays.link_min[both],
        "link_max": arrays.link_max[both],
        "link_transfer": arrays.link_transfer[both],
        "chained": arrays.chained[both],
    }
    return {name: np.concatenate([kept[name], rows]) for name, rows in added.items()}


def _close_in(
    arrays: ScheduleArrays,
    part: ScheduleArrays,
    whole: Candidate,
    end: Ints,
    inside: Ints,
    visible: Ints,
    local: Ints,
) -> ScheduleArrays:
    """Let the tasks outside stand as limits: on times through links, on capacities by their use."""
    release, deadline = part.release.copy(), part.deadline.copy()
    low = part.min_duration()
    last = int(end[visible].max())
    np.minimum(deadline, last, out=deadline)
    kind = arrays.link_kind
    from_end = (kind == END_START) | (kind == END_END)
    to_end = (kind == END_END) | (kind == START_END)
    into = ~inside[arrays.link_before] & inside[arrays.link_after]
    out_of = inside[arrays.link_before] & ~inside[arrays.link_after]
    x = np.where(from_end, end[arrays.link_before], whole.start[arrays.link_before])
    y = np.where(to_end, end[arrays.link_after], whole.start[arrays.link_after])
    for rows, tasks, at_end, least, most in (
        (into, arrays.link_after, to_end, x + arrays.link_min, x + arrays.link_max),
        (out_of, arrays.link_before, from_end, y - arrays.link_max, y - arrays.link_min),
    ):
        row = np.flatnonzero(rows)
        task = local[tasks[row]]
        # A limit on the wrong end of a task is shifted by its shortest duration: never too wide.
        early = np.where(at_end[row], least[row] - low[task], least[row])
        late = np.where(at_end[row], most[row], most[row] + low[task])
        np.maximum.at(release, task, early)
        np.minimum.at(deadline, task, late)
    outside = np.flatnonzero(~inside & (end > whole.start))
    # No task moves before the stretch that is visible: what runs there need not be looked at.
    first = int(whole.start[visible].min())
    np.maximum(release, first, out=release)
    near = outside[(end[outside] > first) & (whole.start[outside] < last)]
    left = _residual(arrays, whole, end, near, ~inside)
    return replace(
        part,
        release=release,
        deadline=deadline,
        capacity=left["capacity"],
        step_ptr=left["step_ptr"],
        step_start=left["step_start"],
        step_capacity=left["step_capacity"],
    )


def _residual(
    arrays: ScheduleArrays, whole: Candidate, end: Ints, near: Ints, outside: Ints
) -> dict[str, Ints]:
    """Capacities that the tasks outside leave over."""
    changes: dict[int, list[tuple[int, int]]] = {}
    for task in near.tolist():
        mode = int(whole.mode[task])
        needs = arrays.demands(mode)
        if arrays.machine[mode] >= 0:
            needs.append((int(arrays.machine[mode]), 1))
        for resource, amount in needs:
            moments = changes.setdefault(resource, [])
            moments += [(int(whole.start[task]), -amount), (int(end[task]), amount)]
    capacity = arrays.capacity.copy()
    stocks = np.flatnonzero(arrays.resource_type == CONSUMABLE)
    if stocks.size:
        capacity[stocks] -= _used_stock(arrays, whole, outside)[stocks]
    starts, levels, sizes = [], [], []
    for resource in range(arrays.n_resources):
        steps = arrays.steps(resource)
        if resource in changes and arrays.resource_type[resource] != CONSUMABLE:
            steps = _lowered(steps, sorted(changes[resource]))
        sizes.append(len(steps))
        starts += [start for start, _ in steps]
        levels += [level for _, level in steps]
    return {
        "capacity": capacity,
        "step_ptr": _pointer(np.array(sizes, np.int64)),
        "step_start": np.array(starts, np.int64),
        "step_capacity": np.array(levels, np.int64),
    }


def _used_stock(arrays: ScheduleArrays, whole: Candidate, outside: Ints) -> Ints:
    """Units of each resource that the tasks outside demand."""
    counted = np.zeros(len(arrays.duration), bool)
    counted[whole.mode[outside]] = True
    rows = np.repeat(counted, np.diff(arrays.demand_ptr))
    used = np.zeros(arrays.n_resources, np.int64)
    np.add.at(used, arrays.demand_resource[rows], arrays.demand_amount[rows])
    return used


def _lowered(steps: list[tuple[int, int]], changes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Step function minus usage, given as changes at moments."""
    usage: dict[int, int] = {}
    running = 0
    for moment, change in changes:
        running += change
        usage[moment] = running
    base = dict(steps)
    lowered: list[tuple[int, int]] = []
    level = taken = 0
    for moment in sorted({*base, *usage}):
        level, taken = base.get(moment, level), usage.get(moment, taken)
        if not lowered or lowered[-1][1] != level + taken:
            lowered.append((moment, level + taken))
    return lowered


def _shift_objective(
    arrays: ScheduleArrays, part: ScheduleArrays, end: Ints, visible: Ints, tails: Ints | None
) -> ScheduleArrays:
    """Let the part's jobs stand for what follows them outside.

    A job that goes on outside is taken to end as long after its visible tasks as it does now: its
    due date moves forward by that time. The makespan becomes the largest sum of an end and the tail
    behind it, over single tasks.
    """
    completion = np.maximum.reduceat(end, arrays.job_ptr[:-1])
    visible_end = np.maximum.reduceat(end[visible], part.job_ptr[:-1])
    jobs = arrays.job[visible[part.job_ptr[:-1]]]
    rest = np.maximum(completion[jobs] - visible_end, 0)
    due = np.where(part.job_due < NEVER, part.job_due - rest, NEVER)
    if tails is None or not np.any(arrays.weights[:, _MAKESPAN]):
        return replace(part, job_due=due)
    weights = arrays.weights.copy()
    weights[:, _MAX_LATENESS] += weights[:, _MAKESPAN]
    weights[:, _MAKESPAN] = 0
    alone = np.arange(len(visible))
    return replace(
        part,
        job=alone,
        job_ptr=np.arange(len(visible) + 1),
        job_release=part.job_release[part.job],
        job_due=-tails[visible],
        job_weight=part.job_weight[part.job],
        blocking=part.blocking[part.job],
        same_mode=part.same_mode[part.job],
        weights=weights,
    )
