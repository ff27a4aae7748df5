"""Tabu search for the flexible job shop, with a pool of elite schedules.

Each move is the best of `explore` that is not tabu, and is then evaluated exactly. A round ends
after a number of moves without improvement; the next one starts from a combination of two pool
members, in the spirit of the path relinking of Gonzalez, Vela and Varela (2015).
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy
from scheduling.solvers.schedule.kernels.flexible_graph import (
    ALTERNATIVE,
    BEST,
    FAR,
    IMPROVED,
    ITERATION,
    PATIENCE,
    POOLED,
    POSITION,
    ROUND,
    VALUE,
    FlexibleShop,
    IntArray,
    Search,
    apply_move,
    draw,
    load_schedule,
)
from scheduling.solvers.schedule.kernels.flexible_greedy import list_schedule
from scheduling.solvers.schedule.kernels.flexible_moves import (
    OPERATION,
    PLACE,
    TARGET,
    critical_path,
    explore,
    forbid,
)


@njit.inner
def _keep_round(s: Search) -> None:
    """Store the current schedule as the best of the round, and of all if it is."""
    s.counter[ROUND] = s.counter[VALUE]
    s.counter[IMPROVED] = s.counter[ITERATION]
    copy(s.round[0], s.op[:, ALTERNATIVE])
    copy(s.round[1], s.op[:, POSITION])
    if s.counter[VALUE] < s.counter[BEST]:
        s.counter[BEST] = s.counter[VALUE]
        copy(s.best[0], s.round[0])
        copy(s.best[1], s.round[1])


@njit.entry
def start_round(s: Search, alternative: IntArray, position: IntArray) -> None:
    """Load a schedule and begin a round of tabu search from it."""
    s.counter[VALUE] = load_schedule(s, alternative, position)
    s.alt[:, 2] = 0
    s.pair[:] = 0
    _keep_round(s)


@njit.inner
def _step(s: Search) -> bool:
    """Make one move; return False if the critical path offers none."""
    count = critical_path(s)
    if not (explore(s, count, s.counter[ITERATION]) or explore(s, count, FAR)):
        return False
    v = s.move[OPERATION]
    target = s.move[TARGET]
    at = s.move[PLACE]
    forbid(s, v, target, at)
    s.counter[VALUE] = apply_move(s, v, target, at)
    if s.counter[VALUE] < s.counter[ROUND]:
        _keep_round(s)
    return True


@njit.inner
def _combine(s: Search, one: int, two: int) -> None:
    """Begin a round between two pool members.

    An operation's rank is a weighted mean of its ranks in the two topological orders, hence
    compatible with every precedence and machine arc on which both agree; where they assign it
    differently, it takes one of the two alternatives.
    """
    n = s.order.size
    weight = 5 + draw(s.rng, 7)
    s.scratch[:] = 0
    for v in range(n):
        rank = (16 - weight) * s.pool[one, 1, v] + weight * s.pool[two, 1, v]
        s.path[v] = rank >> 4
        s.scratch[s.path[v] + 1] += 1
        s.order[s.pool[one, 1, v]] = v
        pick = two if draw(s.rng, 16) < weight else one
        s.round[0, v] = s.pool[pick, 0, v]
    for i in range(n):
        s.scratch[i + 1] += s.scratch[i]
    for i in range(n):
        v = s.order[i]
        s.round[1, v] = s.scratch[s.path[v]]
        s.scratch[s.path[v]] += 1
    start_round(s, s.round[0], s.round[1])


@njit.lean
def _twins(s: Search, member: int) -> bool:
    """Tell whether pool member and round agree in nearly all assignments."""
    differ = 0
    for v in range(s.order.size):
        if s.pool[member, 0, v] != s.round[0, v]:
            differ += 1
    return differ * 50 < s.order.size


@njit.lean
def _store_round(s: Search) -> None:
    """Put the round's best schedule into the pool: a free place, or the worst's."""
    value = s.counter[ROUND]
    slot = s.counter[POOLED]
    if slot < s.pool_value.size:
        s.counter[POOLED] += 1
    else:
        slot = 0
        for i in range(s.pool_value.size):
            if s.pool_value[i] == value and _twins(s, i):
                return
            if s.pool_value[i] > s.pool_value[slot]:
                slot = i
        if s.pool_value[slot] < value:
            return
    s.pool_value[slot] = value
    copy(s.pool[slot, 0], s.round[0])
    copy(s.pool[slot, 1], s.round[1])


@njit.inner
def _next_round(shop: FlexibleShop, s: Search) -> None:
    """End a round and begin another: a random construction, or two members combined."""
    _store_round(s)
    size = s.pool_value.size
    if s.counter[POOLED] < size:
        weight = draw(s.rng, 101) / 100.0
        list_schedule(shop, weight, 1.0 - weight, 0.2, s.rng, s.round[0], s.round[1])
        start_round(s, s.round[0], s.round[1])
        return
    one = draw(s.rng, size)
    two = (one + 1 + draw(s.rng, size - 1)) % size
    _combine(s, one, two)


@njit.entry
def tabu_search(shop: FlexibleShop, s: Search, iterations: int, target: int) -> int:
    """Make up to ``iterations`` moves, stopping once the best objective is at most ``target``.

    Returns the number of moves made; the same moves follow however a run is cut into calls.
    """
    made = 0
    if s.order.size == 0:
        return made
    while made < iterations and s.counter[BEST] > target:
        if s.counter[ITERATION] - s.counter[IMPROVED] >= s.counter[PATIENCE]:
            _next_round(shop, s)
            continue
        made += 1
        s.counter[ITERATION] += 1
        if not _step(s):
            s.counter[IMPROVED] = s.counter[ITERATION] - s.counter[PATIENCE]
    return made
