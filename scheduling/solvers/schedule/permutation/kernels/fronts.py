"""Completions before and tails behind every position of an order."""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.permutation.kernels.plant import (
    DUE,
    FLOOR,
    LATE,
    LINEAR,
    PEAK,
    SUM,
    SUMS,
    TAIL,
    TARDY,
    TOP,
    Ints,
    Plant,
    Search,
)
from scheduling.solvers.schedule.permutation.kernels.pooled import serve, top_served


@njit.lean
def job_cost(job: Ints, j: int, end: int) -> int:
    """Cost of a job that completes at ``end``."""
    cost = job[LINEAR, j] * end
    over = end - job[DUE, j]
    if over > 0:
        cost += job[TARDY, j] * over + job[LATE, j]
    return cost


@njit.lean
def extend(plant: Plant, f: int, before: int, j: int, source: Ints, target: Ints) -> int:
    """Let a job follow another: completions from ``source`` to ``target``, the last returned.

    ``before`` is the number of jobs for the first job of a line. Both rows may be the same.
    """
    duration, release, setup = plant.duration, plant.release, plant.setup
    now = 0
    for k in range(duration.shape[2]):
        free = source[k]
        if setup.size > 0:
            free += setup[f, before, j, k]
        now = max(now, free, release[f, j, k]) + duration[f, j, k]
        target[k] = now
    return now


@njit.lean
def _go_forward(plant: Plant, search: Search, f: int) -> None:
    n = search.where.shape[0]
    front, prefix, cost = search.front[f], search.prefix[f], search.cost[f]
    front[0, :] = 0
    prefix[0] = plant.goal[FLOOR]
    cost[0] = 0
    before = n
    for p in range(search.size[f]):
        j = search.order[f, p]
        end = extend(plant, f, before, j, front[p], front[p + 1])
        prefix[p + 1] = max(prefix[p], end + plant.job[TAIL, j])
        cost[p + 1] = cost[p] + job_cost(plant.job, j, end)
        before = j


@njit.lean
def _go_backward(plant: Plant, search: Search, f: int) -> None:
    duration, release, setup = plant.duration, plant.release, plant.setup
    back, suffix, order = search.back[f], search.suffix[f], search.order[f]
    last = search.size[f]
    stages = duration.shape[2]
    suffix[last] = plant.goal[FLOOR]
    for p in range(last - 1, -1, -1):
        j = order[p]
        way = plant.job[TAIL, j]
        longest = suffix[p + 1]
        for k in range(stages - 1, -1, -1):
            if p + 1 < last:
                behind = back[p + 1, k]
                if setup.size > 0:
                    behind += setup[f, j, order[p + 1], k]
                way = max(way, behind)
            way += duration[f, j, k]
            back[p, k] = way
            longest = max(longest, way + release[f, j, k])
        suffix[p] = longest


@njit.lean
def costs_served(plant: Plant, search: Search, count: int) -> int:
    """Costs of the jobs of a hybrid flow shop served last."""
    costs = 0
    for i in range(count):
        j = search.served[i]
        costs += job_cost(plant.job, j, search.ready[j])
    return costs


@njit.lean
def _refresh_pooled(plant: Plant, search: Search) -> int:
    count = serve(plant, search, -1, 0)
    search.value[0, TOP] = top_served(plant, search, count)
    search.value[0, SUM] = costs_served(plant, search, count)
    search.fresh[0] = 1
    return count * plant.duration.shape[2]


@njit.lean
def refresh(plant: Plant, search: Search, f: int) -> int:
    """Bring fronts and backs of a line up to date; return the work."""
    if search.fresh[f]:
        return 0
    if plant.units.size > 0:
        return _refresh_pooled(plant, search)
    _go_forward(plant, search, f)
    if not plant.goal[SUMS]:
        _go_backward(plant, search, f)
    search.fresh[f] = 1
    last = search.size[f]
    search.value[f, TOP] = search.prefix[f, last]
    search.value[f, SUM] = search.cost[f, last]
    return 2 * last * plant.duration.shape[2]


@njit.lean
def total(plant: Plant, search: Search) -> int:
    """Value of the present orders, whose lines must be fresh."""
    top = plant.goal[FLOOR]
    costs = 0
    for f in range(search.size.shape[0]):
        top = max(top, search.value[f, TOP])
        costs += search.value[f, SUM]
    return plant.goal[PEAK] * top + costs if plant.goal[SUMS] else top


@njit.lean
def spread(plant: Plant, search: Search) -> int:
    """Sum of the maxima of all lines, which breaks ties between orders of one maximum."""
    summed = 0
    if not plant.goal[SUMS]:
        for f in range(search.size.shape[0]):
            if search.size[f] > 0:
                summed += search.value[f, TOP]
    return summed
