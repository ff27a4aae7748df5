"""The best position for a job.

For maxima, fronts and backs give the value at every position of a line in one pass (Taillard,
"Some efficient heuristic methods for the flow shop sequencing problem", 1990). Ties go to the
position with the least idle time (Fernandez-Viagas and Framinan, "On insertion tie-breaking rules
in heuristics for the permutation flowshop scheduling problem", 2014). For sums, the jobs behind a
position are passed one by one, as long as what they cost at least stays below the best.
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.permutation.kernels.fronts import (
    costs_served,
    extend,
    job_cost,
    refresh,
)
from scheduling.solvers.schedule.permutation.kernels.plant import (
    FLOOR,
    LARGEST,
    LOOKS,
    MAIN,
    PEAK,
    SIDE,
    SUM,
    SUMS,
    TAIL,
    TOP,
    Plant,
    Search,
)
from scheduling.solvers.schedule.permutation.kernels.pooled import serve, top_served

_NEW, _SHIFTED = range(2)


@njit.lean
def _top_at(plant: Plant, search: Search, f: int, j: int, p: int) -> int:
    """Maximum of a line with a job at a position; its completions go to the first row."""
    order, row = search.order[f], search.row[_NEW]
    last = search.size[f]
    before = order[p - 1] if p > 0 else search.where.shape[0]
    end = extend(plant, f, before, j, search.front[f, p], row)
    top = max(end + plant.job[TAIL, j], search.prefix[f, p], search.suffix[f, p])
    if p < last:
        back, setup = search.back[f, p], plant.setup
        after = order[p]
        for k in range(row.shape[0]):
            way = row[k] + back[k]
            if setup.size > 0:
                way += setup[f, j, after, k]
            top = max(top, way)
    return top


@njit.lean
def _idle_at(plant: Plant, search: Search, f: int, j: int, p: int) -> int:
    """Idle time that a job at a position brings, after :func:`_top_at`."""
    new, shifted = search.row[_NEW], search.row[_SHIFTED]
    duration = plant.duration[f]
    idle = 0
    stages = new.shape[0]
    if p == search.size[f]:
        for k in range(1, stages):
            idle += max(0, new[k - 1] - search.front[f, p, k])
        return idle
    after = search.order[f, p]
    shifted[0] = new[0] + duration[after, 0]
    for k in range(1, stages):
        began = search.front[f, p + 1, k] - duration[after, k]
        idle += new[k] - began - duration[j, k] + duration[after, k]
        idle += max(0, shifted[k - 1] - new[k])
        shifted[k] = max(shifted[k - 1], new[k]) + duration[after, k]
    return idle


@njit.lean
def _scan_maximum(plant: Plant, search: Search, f: int, j: int) -> tuple[int, int]:
    """Best maximum of a line with a job in it, and its position."""
    best, least, place = LARGEST, LARGEST, 0
    stages = search.row.shape[1]
    for p in range(search.size[f] + 1):
        top = _top_at(plant, search, f, j, p)
        if top < best:
            best, place, least = top, p, LARGEST
            if stages > 1:
                least = _idle_at(plant, search, f, j, p)
        elif top == best and stages > 1:
            idle = _idle_at(plant, search, f, j, p)
            if idle < least:
                place, least = p, idle
    search.counter[LOOKS] += 2 * (search.size[f] + 1) * stages
    return best, place


@njit.lean
def _sum_at(plant: Plant, search: Search, f: int, j: int, p: int, others: int, limit: int) -> int:
    """Costs with a job at a position, or ``LARGEST`` when they reach ``limit``.

    Without setups, no job behind the new one costs less than before.
    """
    job, row, order = plant.job, search.row[_NEW], search.order[f]
    peak = plant.goal[PEAK]
    last = search.size[f]
    floored = plant.setup.size == 0
    before = order[p - 1] if p > 0 else search.where.shape[0]
    end = extend(plant, f, before, j, search.front[f, p], row)
    top = max(others, search.prefix[f, p], end + job[TAIL, j])
    costs = search.cost[f, p] + job_cost(job, j, end)
    before = j
    steps = 1
    for q in range(p, last):
        rest = search.cost[f, last] - search.cost[f, q] if floored else 0
        if costs + rest + peak * top >= limit:
            search.counter[LOOKS] += steps * row.shape[0]
            return LARGEST
        i = order[q]
        end = extend(plant, f, before, i, row, row)
        top = max(top, end + job[TAIL, i])
        costs += job_cost(job, i, end)
        before = i
        steps += 1
    search.counter[LOOKS] += steps * row.shape[0]
    value = costs + peak * top
    return value if value < limit else LARGEST


@njit.lean
def _scan_sum(
    plant: Plant, search: Search, f: int, j: int, others: int, limit: int
) -> tuple[int, int]:
    """Least costs of a line below ``limit``, and the position; ``LARGEST`` without any."""
    best, place = LARGEST, 0
    for p in range(search.size[f], -1, -1):
        value = _sum_at(plant, search, f, j, p, others, min(best, limit))
        if value < best:
            best, place = value, p
    return best, place


@njit.lean
def _scan_pooled(plant: Plant, search: Search, j: int) -> int:
    """Best position for a job in a hybrid flow shop; its value goes to ``MAIN`` and ``SIDE``.

    Ties go to the least sum of completions.
    """
    best, side, place = LARGEST, LARGEST, 0
    for p in range(search.size[0] + 1):
        count = serve(plant, search, j, p)
        top = top_served(plant, search, count)
        value = top
        if plant.goal[SUMS]:
            value = plant.goal[PEAK] * top + costs_served(plant, search, count)
        if value > best:
            continue
        ends = 0
        for i in range(count):
            ends += search.ready[search.served[i]]
        if value < best or ends < side:
            best, side, place = value, ends, p
    search.counter[MAIN], search.counter[SIDE] = best, side
    search.counter[LOOKS] += (search.size[0] + 1) ** 2 * plant.units.shape[0]
    return place


@njit.lean_entry
def find_place(plant: Plant, search: Search, j: int) -> tuple[int, int]:
    """Find the best line and position for a job; its value goes to ``MAIN`` and ``SIDE``."""
    if plant.units.size > 0:
        return 0, _scan_pooled(plant, search, j)
    lines = search.size.shape[0]
    for f in range(lines):
        search.counter[LOOKS] += refresh(plant, search, f)
    line, place, best, side = 0, 0, LARGEST, LARGEST
    for f in range(lines):
        others = plant.goal[FLOOR]
        summed, tops = 0, 0
        for g in range(lines):
            if g != f:
                others = max(others, search.value[g, TOP])
                summed += search.value[g, SUM]
                if search.size[g] > 0:
                    tops += search.value[g, TOP]
        if plant.goal[SUMS]:
            value, p = _scan_sum(plant, search, f, j, others, best - summed)
            if value < LARGEST:
                best, side, line, place = value + summed, 0, f, p
            continue
        top, p = _scan_maximum(plant, search, f, j)
        value = max(top, others)
        if value < best or (value == best and tops + top < side):
            best, side, line, place = value, tops + top, f, p
    search.counter[MAIN], search.counter[SIDE] = best, side
    return line, place


@njit.lean
def insert(search: Search, j: int, f: int, p: int) -> None:
    """Put a job at a position of a line."""
    order = search.order[f]
    for q in range(search.size[f], p, -1):
        order[q] = order[q - 1]
    order[p] = j
    search.size[f] += 1
    search.where[j] = f
    search.fresh[f] = 0


@njit.lean_entry
def remove(search: Search, j: int) -> None:
    """Take a job out of its line."""
    f = search.where[j]
    order = search.order[f]
    last = search.size[f] - 1
    p = 0
    while order[p] != j:
        p += 1
    for q in range(p, last):
        order[q] = order[q + 1]
    search.size[f] = last
    search.where[j] = -1
    search.fresh[f] = 0
