"""Priority rules of schedule generation: a number per task, lowest first.

Sources: Davis and Patterson (1975) for LFT, LST and MINSLK; Alvarez-Valdes and Tamarit (1989) for
GRPW and MTS; Kolisch (1996) for the comparison; Vepsalainen and Morton (1987) for ATC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.windows import difference_edges, earliest_starts, tails

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TaskFeatures:
    """What a priority rule sees: one entry a task in every array, times in the instance's unit.

    Attributes
    ----------
    arrays
        The whole problem.
    duration
        In the task's shortest mode.
    head
        Earliest start by releases and precedences.
    tail
        Least time from the start of the task to the end of the whole, its duration included.
    latest_start, latest_finish
        By the critical path: with ``span = max(head + tail)``, ``latest_start = span - tail``.
    successors
        Number of tasks that directly follow it.
    work
        Work that the task enables: its duration and that of its direct followers (GRPW).
    load
        Duration times the largest share of a renewable's or machine's capacity that it needs.
    due
        Of its job; beyond every schedule without a due date.
    job_tail
        Least time from the start of the task to the end of its job's last task.
    weight
        Of its job.
    """

    arrays: ScheduleArrays
    duration: Ints
    head: Ints
    tail: Ints
    latest_start: Ints
    latest_finish: Ints
    successors: Ints
    work: Ints
    load: Numbers
    due: Ints
    job_tail: Ints
    weight: Ints


Rule = Callable[[TaskFeatures], NDArray[np.float64] | Ints]
"""A priority rule: from the features of all tasks to their priorities, lowest first."""


def _lft(f: TaskFeatures) -> Ints:
    return f.latest_finish


def _lst(f: TaskFeatures) -> Ints:
    return f.latest_start


def _mts(f: TaskFeatures) -> Ints:
    return -f.successors


def _grpw(f: TaskFeatures) -> Ints:
    return -f.work


def _minslk(f: TaskFeatures) -> Ints:
    return f.latest_start - f.head


def _spt(f: TaskFeatures) -> Ints:
    return f.duration


def _est(f: TaskFeatures) -> Ints:
    return f.head


def _grd(f: TaskFeatures) -> Numbers:
    return -f.load


def _edd(f: TaskFeatures) -> Ints:
    return f.due


def _job_slack(f: TaskFeatures) -> Ints:
    return f.due - f.head - f.job_tail


def _wspt(f: TaskFeatures) -> Numbers:
    return f.job_tail / np.maximum(f.weight, 1e-9)


def _mdd(f: TaskFeatures) -> Ints:
    modified: Ints = np.maximum(f.due, f.head + f.job_tail)
    return modified - f.job_tail


def _atc(f: TaskFeatures) -> Numbers:
    slack = np.maximum(0, f.due - f.head - f.job_tail)
    urgency = np.exp(-slack / max(1.0, 2.0 * float(f.duration.mean())))
    value: Numbers = -f.weight / np.maximum(1, f.job_tail) * urgency
    return value


RULES: dict[str, Rule] = {
    "LFT": _lft,
    "LST": _lst,
    "MINSLK": _minslk,
    "GRPW": _grpw,
    "MTS": _mts,
    "EST": _est,
    "GRD": _grd,
    "SPT": _spt,
}
"""Rules for the makespan, best on average first."""

DUE_RULES: dict[str, Rule] = {
    "MDD": _mdd,
    "WSPT": _wspt,
    "ATC": _atc,
    "EDD": _edd,
    "SLACK": _job_slack,
}
"""Rules for measures over jobs."""


def task_features(arrays: ScheduleArrays) -> TaskFeatures | None:
    """Compute the features; ``None`` when the precedences contradict each other."""
    edges = difference_edges(arrays)
    head, tail = earliest_starts(arrays, edges), tails(arrays, edges)
    if head is None or tail is None:
        return None
    duration = arrays.min_duration()
    latest_start = int((head + tail).max()) - tail
    binding = edges.weight >= 0
    before, after = edges.before[binding], edges.after[binding]
    work = duration.copy()
    np.add.at(work, before, duration[after])
    ends = np.maximum.reduceat(head + duration, arrays.job_ptr[:-1])
    return TaskFeatures(
        arrays=arrays,
        duration=duration,
        head=head,
        tail=tail,
        latest_start=latest_start,
        latest_finish=latest_start + duration,
        successors=np.bincount(before, minlength=arrays.n_tasks),
        work=work,
        load=_load(arrays, duration),
        due=arrays.job_due[arrays.job],
        job_tail=np.maximum(ends[arrays.job] - head, duration),
        weight=arrays.job_weight[arrays.job],
    )


def _load(arrays: ScheduleArrays, duration: Ints) -> Numbers:
    """Duration times the largest share of a resource in the first mode."""
    owner = np.repeat(np.arange(len(arrays.duration)), np.diff(arrays.demand_ptr))
    share: Numbers = np.where(arrays.machine >= 0, 1.0, 0.0)
    capacity = np.maximum(1, arrays.capacity[arrays.demand_resource])
    np.maximum.at(share, owner, arrays.demand_amount / capacity)
    load: Numbers = duration * share[arrays.mode_ptr[:-1]]
    return load


def dense_ranks(values: NDArray[np.float64] | Ints) -> Ints:
    """Replace priorities by their positions among the distinct values, from 0 on."""
    _, ranks = np.unique(np.asarray(values), return_inverse=True)
    return ranks.astype(np.int64).reshape(-1)


def dated(arrays: ScheduleArrays, tier: int) -> bool:
    """Whether a tier is about jobs rather than the makespan alone."""
    return bool(arrays.weights[tier, 1:].any())
