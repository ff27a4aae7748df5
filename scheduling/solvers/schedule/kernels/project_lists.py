"""Scratch arrays, random numbers, activity lists and the objective of a schedule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.project import (
    BEFORE,
    DUE,
    FIRST_STOCK,
    FORWARD,
    HEAD,
    LENGTH,
    MEASURE_COUNT,
    OUT,
    PURE,
    RANK,
    READY,
    SEQUENCE,
    STOCKS,
    TASKS,
    TIERS,
    USES,
    WEIGHT,
    WEIGHTS,
    Ints,
    Project,
)

Words = NDArray[np.uint64]

SCORE = 3
"""Length of a score, compared from the left: violation, value of the tier, value of the next."""

_NEVER = 1 << 60


LOW, FLOOR, QUEUE, COUNT, PLACED, KEY, ORDER, START, OPENS, CLOSES, STILL, LIST = range(12)
"""Rows of ``Space.row``: work arrays of the generation schemes; keys, list and starts of a trial;
windows of a trial; zeros; the list that is being completed."""


class Space(NamedTuple):
    """Scratch of one thread.

    Attributes
    ----------
    row
        Work arrays over tasks, see the constants.
    bucket
        For counting sorts over time.
    left
        Units of each consumable that the trial's modes leave (negative: missing).
    end
        Completion of each job.
    score
        Score of the trial.
    """

    row: Ints
    bucket: Ints
    left: Ints
    end: Ints
    score: Ints


def make_space(project: Project) -> Space:
    """Allocate the scratch."""
    n = project.task.shape[1] - 1
    return Space(
        row=np.zeros((12, n), np.int64),
        bucket=np.zeros(8 * n + 64, np.int64),
        left=np.zeros(project.facts[STOCKS], np.int64),
        end=np.zeros(project.job.shape[1] - 1, np.int64),
        score=np.zeros(SCORE, np.int64),
    )


@njit.lean
def next_random(rng: Words) -> np.uint64:
    """Next word of the splitmix64 generator (Steele, Lea and Flood, 2014)."""
    rng[0] += np.uint64(0x9E3779B97F4A7C15)
    z = rng[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit.lean
def below(rng: Words, limit: int) -> int:
    """Uniform integer in ``[0, limit)``; ``limit`` below 2**31."""
    high = next_random(rng) >> np.uint64(33)
    return int(np.int64((high * np.uint64(limit)) >> np.uint64(31)))


@njit.lean
def uniform(rng: Words) -> float:
    """Uniform float in [0, 1)."""
    return np.float64(next_random(rng) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit.lean
def list_by_time(project: Project, space: Space, key: Ints, order: Ints) -> None:
    """Write into ``order`` the tasks by rising ``key``, ties by rank.

    For keys that rise along forward edges or nearly so: times of a schedule.
    """
    low = high = key[0]
    for u in range(1, key.shape[0]):
        low = min(low, key[u])
        high = max(high, key[u])
    if project.facts[PURE] and high - low + 2 < space.bucket.shape[0]:
        _sort_by_time(project, space.bucket, key, low, high, order)
    else:
        list_by(project, space, key, order)


@njit.lean
def _sort_by_time(
    project: Project, bucket: Ints, key: Ints, low: int, high: int, order: Ints
) -> None:
    """Sort by counting; valid where keys rise along forward edges."""
    span = high - low + 2
    for t in range(span):
        bucket[t] = 0
    for u in range(key.shape[0]):
        bucket[key[u] - low + 1] += 1
    for t in range(1, span):
        bucket[t] += bucket[t - 1]
    for i in range(key.shape[0]):
        u = project.task[SEQUENCE, i]
        place = key[u] - low
        order[bucket[place]] = u
        bucket[place] += 1


@njit.lean
def _sooner(project: Project, key: Ints, u: int, v: int) -> bool:
    return key[u] < key[v] or (key[u] == key[v] and project.task[RANK, u] < project.task[RANK, v])


@njit.lean
def list_by(project: Project, space: Space, key: Ints, order: Ints) -> None:
    """Write into ``order`` the topological order that always takes the least key, ties by rank."""
    heap, count = space.row[QUEUE], space.row[COUNT]
    size = 0
    for u in range(key.shape[0]):
        count[u] = project.task[BEFORE, u]
        if count[u] == 0:
            size = _push(project, key, heap, size, u)
    filled = 0
    while size > 0:
        u = heap[0]
        size = _pop(project, key, heap, size)
        order[filled] = u
        filled += 1
        for i in range(project.task[OUT, u], project.task[OUT, u + 1]):
            v = project.edge[i, HEAD]
            count[v] -= project.edge[i, FORWARD]
            if count[v] == 0 and project.edge[i, FORWARD]:
                size = _push(project, key, heap, size, v)


@njit.lean
def _push(project: Project, key: Ints, heap: Ints, size: int, u: int) -> int:
    k = size
    while k > 0 and _sooner(project, key, u, heap[(k - 1) >> 1]):
        heap[k] = heap[(k - 1) >> 1]
        k = (k - 1) >> 1
    heap[k] = u
    return size + 1


@njit.lean
def _pop(project: Project, key: Ints, heap: Ints, size: int) -> int:
    """Remove the head; return the new size."""
    size -= 1
    u = heap[size]
    k = 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and _sooner(project, key, heap[child + 1], heap[child]):
            child += 1
        if not _sooner(project, key, heap[child], u):
            break
        heap[k] = heap[child]
        k = child
    heap[k] = u
    return size


@njit.lean
def fill_left(project: Project, mode: Ints, left: Ints) -> None:
    """Compute what a choice of modes leaves of the consumables."""
    for s in range(left.shape[0]):
        left[s] = project.facts[FIRST_STOCK + s]
    for u in range(mode.shape[0]):
        m = mode[u]
        for i in range(project.mode[USES, m], project.mode[USES, m + 1]):
            left[project.pair[i, 0]] -= project.pair[i, 1]


@njit.lean
def missing(left: Ints) -> int:
    """Units of consumables that are missing."""
    total = 0
    for s in range(left.shape[0]):
        if left[s] < 0:
            total -= left[s]
    return total


@njit.lean
def use(project: Project, left: Ints, m: int, sign: int) -> None:
    """Take what a mode uses up, or give it back with ``sign = -1``."""
    for i in range(project.mode[USES, m], project.mode[USES, m + 1]):
        left[project.pair[i, 0]] -= sign * project.pair[i, 1]


@njit.lean
def _tier_value(project: Project, tier: int, end: Ints) -> int:
    """Weighted sum of the measures, in the order of ``objective.MEASURES``."""
    span = completion = flow = tardiness = late = 0
    latest = -_NEVER
    for j in range(end.shape[0]):
        done, w = end[j], project.job[WEIGHT, j]
        span = max(span, done)
        completion += w * done
        flow += w * (done - project.job[READY, j])
        if project.job[DUE, j] < _NEVER:
            over = done - project.job[DUE, j]
            latest = max(latest, over)
            if over > 0:
                tardiness += w * over
                late += w
    if latest == -_NEVER:
        latest = 0
    weight = project.facts[project.facts[WEIGHTS] + tier * MEASURE_COUNT :]
    total = weight[0] * span + weight[1] * completion + weight[2] * flow
    total += weight[3] * tardiness + weight[4] * max(0, latest)
    return total + weight[5] * latest + weight[6] * late


@njit.lean
def rate(
    project: Project, space: Space, start: Ints, mode: Ints, violation: int, caps: Ints
) -> None:
    """Write the score of a schedule into ``space.score``; tier ``len(caps)`` is minimised."""
    end = space.end
    for j in range(end.shape[0]):
        latest = 0
        for u in range(project.job[TASKS, j], project.job[TASKS, j + 1]):
            latest = max(latest, start[u] + project.mode[LENGTH, mode[u]])
        end[j] = latest
    tier = caps.shape[0]
    for k in range(tier):
        violation += max(0, _tier_value(project, k, end) - caps[k])
    space.score[0] = violation
    space.score[1] = _tier_value(project, tier, end)
    if tier + 1 < project.facts[TIERS]:
        space.score[2] = _tier_value(project, tier + 1, end)
    else:
        space.score[2] = 0


@njit.lean
def better(a: Ints, b: Ints) -> bool:
    """Whether score ``a`` comes before score ``b``."""
    for i in range(a.shape[0]):
        if a[i] != b[i]:
            return a[i] < b[i]
    return False
