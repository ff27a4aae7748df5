"""Memetic search on top of the tabu walk, in one resumable compiled loop.

After Peng, Lü and Cheng, Computers & Operations Research 53 (2015), TS/PR: a small population of
tabu-improved solutions; each new walk starts from a solution between two members.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy
from scheduling.solvers.schedule.kernels.jobshop_dispatch import RULES, dispatch_order
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    GRAPH_ROWS,
    MACHINE,
    MINUS_INFINITY,
    ORDER,
    IntArray,
    Shop,
    WordArray,
    next_random,
    random_below,
)
from scheduling.solvers.schedule.kernels.jobshop_tabu import load_order, tabu_step

#: Entries of ``Search.counters``: iterations made, current objective, best of the present walk,
#: best of all, iterations since the walk improved, whether a new walk must be started, members
#: in the pool, walks started, patience, least tenure, rows of the pool in use, walks since one
#: entered the pool.
ITERATION, CURRENT, WALK_BEST, BEST, STALL, FINISHED, MEMBERS, WALKS, PATIENCE, TENURE = range(10)
CAPACITY, FAILURES = 10, 11

#: Two solutions are close if at most one operation in this many has another place.
CLOSE = 20

#: Rows of the pool in use at first.
FIRST_MEMBERS = 3

#: A pool is stagnant after this many vain walks per row in use.
STAGNATION = 2

_RULE_COUNT = len(RULES)


class Search(NamedTuple):
    """Everything that a search remembers; made by :func:`make_search`.

    Attributes
    ----------
    graph
        Current solution (see ``jobshop_graph``).
    tabu
        Iteration until which each machine arc may not be set again.
    move
        Record of the move being chosen.
    walk_order, best_order
        Best linear order of the present walk and of all.
    pool, pool_value
        Population of linear orders and their objectives.
    counters
        Scalars, see the index names of this module.
    rng
        State of the random generator, one word.
    """

    graph: IntArray
    tabu: IntArray
    move: IntArray
    walk_order: IntArray
    best_order: IntArray
    pool: IntArray
    pool_value: IntArray
    counters: IntArray
    rng: WordArray


def make_search(shop: Shop, seed: int, population: int = 30, patience: int = 8000) -> Search:
    """Allocate a search that has not yet looked at any solution.

    Parameters
    ----------
    seed
        Any integer; equal seeds give equal searches.
    population
        Most members that the pool grows to.
    patience
        Iterations without improvement after which a walk ends.
    """
    n = shop.ops.shape[1] - 1
    widest = int(np.diff(shop.machine_ptr).max(initial=1))
    slots = 1 << min(max(n * widest - 1, 1).bit_length(), 22)
    counters = np.zeros(12, dtype=np.int64)
    counters[[CURRENT, WALK_BEST, BEST]] = -MINUS_INFINITY
    counters[FINISHED] = 1
    counters[PATIENCE] = patience
    counters[CAPACITY] = min(FIRST_MEMBERS, population)
    jobs = len(shop.job_ptr) - 1
    machines = max(len(shop.machine_ptr) - 1, 1)
    counters[TENURE] = 10 + jobs // machines
    word = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    return Search(
        graph=np.zeros((GRAPH_ROWS, n + 1), dtype=np.int64),
        tabu=np.zeros(slots, dtype=np.int64),
        move=np.zeros(6, dtype=np.int64),
        walk_order=np.zeros(n, dtype=np.int64),
        best_order=np.zeros(n, dtype=np.int64),
        pool=np.zeros((population, n), dtype=np.int64),
        pool_value=np.zeros(population, dtype=np.int64),
        counters=counters,
        rng=np.array([word or 1], dtype=np.uint64),
    )


@njit.inner
def merge_orders(
    first: IntArray, second: IntArray, share: int, child: IntArray, rng: WordArray
) -> None:
    """Merge two linear orders: each step takes the next unused operation of one of them.

    The child keeps every precedence that both parents have, hence it is feasible. ``share`` out
    of 64 steps follow ``second`` on average.
    """
    n = first.shape[0]
    used = np.zeros(n, np.bool_)
    a = 0
    b = 0
    for k in range(n):
        if np.int64(next_random(rng) >> np.uint64(58)) < share:
            while used[second[b]]:
                b += 1
            v = second[b]
        else:
            while used[first[a]]:
                a += 1
            v = first[a]
        used[v] = True
        child[k] = v


@njit.inner
def _enter_walk(shop: Shop, search: Search) -> int:
    """Begin a walk at ``walk_order`` and return its objective."""
    counters = search.counters
    value = load_order(shop.machine_ptr, shop.ops, shop.sinks, search.graph, search.walk_order)
    counters[CURRENT] = value
    counters[WALK_BEST] = value
    counters[STALL] = 0
    counters[FINISHED] = 0
    counters[WALKS] += 1
    if value < counters[BEST]:
        counters[BEST] = value
        copy(search.best_order, search.walk_order)
    return value


@njit.inner
def _start_walk(shop: Shop, search: Search) -> None:
    """Load the next starting solution: dispatched while the pool fills, merged afterwards."""
    counters, pool, rng = search.counters, search.pool, search.rng
    order = search.walk_order
    members = counters[MEMBERS]
    if members < counters[CAPACITY]:
        walk = counters[WALKS]
        noise = 0.0 if walk == 0 else 0.5
        dispatch_order(
            shop, 6 if walk == 0 else random_below(rng, _RULE_COUNT), False, noise, order, rng
        )
    else:
        a = random_below(rng, members)
        b = (a + 1 + random_below(rng, members - 1)) % members
        merge_orders(pool[a], pool[b], 8 + random_below(rng, 25), order, rng)
    _enter_walk(shop, search)


@njit.inner
def _differences(shop: Shop, one: IntArray, two: IntArray) -> int:
    """Count the operations whose places on their machines differ in two linear orders."""
    n = one.shape[0]
    place = np.empty(n, np.int64)
    filled = shop.machine_ptr.copy()
    for k in range(n):
        m = shop.ops[MACHINE, one[k]]
        place[one[k]] = filled[m]
        filled[m] += 1
    copy(filled, shop.machine_ptr)
    count = 0
    for k in range(n):
        m = shop.ops[MACHINE, two[k]]
        count += place[two[k]] != filled[m]
        filled[m] += 1
    return count


@njit.inner
def _slot_for(shop: Shop, search: Search) -> int:
    """Row of the pool that the walk's best solution shall take, -1 if none.

    A solution close to a member may only replace that member; any other takes a free row or
    that of the worst member, and it must beat whom it replaces.
    """
    counters, pool, values = search.counters, search.pool, search.pool_value
    members = counters[MEMBERS]
    value = counters[WALK_BEST]
    worst = 0
    for k in range(members):
        if _differences(shop, pool[k], search.walk_order) * CLOSE <= pool.shape[1]:
            return k if value < values[k] else -1
        if values[k] > values[worst]:
            worst = k
    if members < counters[CAPACITY]:
        return members
    return worst if value < values[worst] else -1


@njit.inner
def _end_walk(shop: Shop, search: Search) -> None:
    """Offer the best solution of the walk to the pool and deal with a stagnant pool.

    A stagnant pool first takes in the best solution of all, if it found only worse ones, and
    then makes room for a larger new one.
    """
    counters, values = search.counters, search.pool_value
    counters[FINISHED] = 1
    slot = _slot_for(shop, search)
    if slot >= 0:
        search.pool[slot] = search.walk_order
        values[slot] = counters[WALK_BEST]
        counters[MEMBERS] = max(counters[MEMBERS], slot + 1)
        counters[FAILURES] = 0
        return
    counters[FAILURES] += 1
    members = counters[MEMBERS]
    if counters[FAILURES] < STAGNATION * counters[CAPACITY]:
        return
    counters[FAILURES] = 0
    worst = 0
    best = 0
    for k in range(members):
        if values[k] > values[worst]:
            worst = k
        if values[k] < values[best]:
            best = k
    if values[best] > counters[BEST]:
        search.pool[worst] = search.best_order
        values[worst] = counters[BEST]
    else:
        counters[MEMBERS] = 0
        grown = counters[CAPACITY] + max(counters[CAPACITY] // 2, 1)
        counters[CAPACITY] = min(grown, search.pool.shape[0])


@njit.entry
def start_from(shop: Shop, search: Search, order: IntArray) -> int:
    """Close the present walk and begin one at a given linear order; return its objective."""
    if not search.counters[FINISHED]:
        _end_walk(shop, search)
    copy(search.walk_order, order)
    return _enter_walk(shop, search)


@njit.entry
def advance(shop: Shop, search: Search, max_iterations: int, target: int) -> tuple[int, int]:
    """Continue the search for some iterations; slices of any size make the same search.

    Parameters
    ----------
    max_iterations
        Tabu moves to make in this call.
    target
        Stop as soon as the best objective is at most this (a lower bound).

    Returns
    -------
    tuple of int
        Best objective of the whole search and iterations made in it so far.
    """
    counters = search.counters
    n = shop.ops.shape[1] - 1
    ops, sinks, graph = shop.ops, shop.sinks, search.graph
    stop = counters[ITERATION] + max_iterations
    while counters[ITERATION] < stop and counters[BEST] > target:
        if counters[FINISHED]:
            _start_walk(shop, search)
            continue
        counters[ITERATION] += 1
        tenure = counters[TENURE] + random_below(search.rng, counters[TENURE] // 2 + 1)
        value = tabu_step(
            ops,
            sinks,
            graph,
            search.tabu,
            search.move,
            counters[CURRENT],
            counters[WALK_BEST],
            counters[ITERATION],
            tenure,
            search.rng,
        )
        if value == MINUS_INFINITY:
            _end_walk(shop, search)
            continue
        counters[CURRENT] = value
        counters[STALL] += 1
        if value < counters[WALK_BEST]:
            counters[WALK_BEST] = value
            counters[STALL] = 0
            copy(search.walk_order, graph[ORDER, :n])
            if value < counters[BEST]:
                counters[BEST] = value
                copy(search.best_order, graph[ORDER, :n])
        elif counters[STALL] >= counters[PATIENCE]:
            _end_walk(shop, search)
    return counters[BEST], counters[ITERATION]
