"""Hybrid flow shops: an order of jobs at the first stage, then first come, first served."""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.permutation.kernels.plant import FLOOR, TAIL, Ints, Plant, Search


@njit.lean
def _first_free(free: Ints, units: int) -> int:
    best = 0
    for u in range(1, units):
        if free[u] < free[best]:
            best = u
    return best


@njit.lean
def _sort_by_arrival(served: Ints, ready: Ints, count: int) -> None:
    """Sort by insertion, stably: jobs come nearly in order."""
    for i in range(1, count):
        j = served[i]
        moment = ready[j]
        q = i
        while q > 0 and ready[served[q - 1]] > moment:
            served[q] = served[q - 1]
            q -= 1
        served[q] = j


@njit.lean
def serve(plant: Plant, search: Search, job: int, place: int) -> int:
    """Serve the jobs of the only line, with one more at a place; return their number.

    ``ready`` then holds the completions of those jobs, which ``served`` lists. With ``job`` -1
    there is no further one.
    """
    order, size = search.order[0], search.size[0]
    served, ready, free = search.served, search.ready, search.free
    duration, release = plant.duration, plant.release
    count = 0
    for p in range(size + 1):
        if p == place and job >= 0:
            served[count] = job
            count += 1
        if p < size:
            served[count] = order[p]
            count += 1
    for i in range(count):
        ready[served[i]] = 0
    for k in range(plant.units.shape[0]):
        units = plant.units[k]
        for u in range(units):
            free[u] = 0
        for i in range(count):
            j = served[i]
            u = _first_free(free, units)
            end = max(free[u], ready[j], release[0, j, k]) + duration[0, j, k]
            free[u] = end
            ready[j] = end
        _sort_by_arrival(served, ready, count)
    return count


@njit.lean
def top_served(plant: Plant, search: Search, count: int) -> int:
    """Largest completion plus tail of the jobs served last."""
    top = plant.goal[FLOOR]
    for i in range(count):
        j = search.served[i]
        top = max(top, search.ready[j] + plant.job[TAIL, j])
    return top
