"""Lower bounds by formula for the flexible job shop.

Three relaxations, each valid for every schedule: the longest path with shortest durations; the
work that must pass through a set of machines, with the least heads before it and tails behind
it (Carlier 1987, for identical parallel machines); and the load that machine prices prove, the
dual of sharing every operation among its machines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.flexible_graph import FAR, FlexibleShop, IntArray

_EXHAUSTIVE_MACHINES = 10
_EXAMINED_SETS = 24
# Thresholds tried per set and rounds of prices; fewer above a number of steps in all.
_THRESHOLDS = 64
_THRESHOLD_STEPS = 1_000_000
_PRICE_ROUNDS = 400
_PRICE_STEPS = 10_000_000
_PRICE_SCALE = 1 << 20


@njit.entry
def shortest_paths(shop: FlexibleShop, shortest: IntArray, head: IntArray, tail: IntArray) -> None:
    """Write least durations, and the heads and tails that they force along the arcs."""
    n = shop.head.size
    for v in range(n):
        shortest[v] = shop.alt_duration[shop.alt_ptr[v] : shop.alt_ptr[v + 1]].min()
    for i in range(n):
        v = shop.topological[i]
        head[v] = shop.head[v]
        for e in range(shop.pred_ptr[v], shop.pred_ptr[v + 1]):
            u = shop.pred[e]
            head[v] = max(head[v], head[u] + shortest[u] + shop.pred_lag[e])
    for i in range(n - 1, -1, -1):
        v = shop.topological[i]
        tail[v] = shop.tail[v]
        for e in range(shop.succ_ptr[v], shop.succ_ptr[v + 1]):
            w = shop.succ[e]
            tail[v] = max(tail[v], tail[w] + shortest[w] + shop.succ_lag[e])


@njit.entry
def _parallel_bound(
    head: IntArray, work: IntArray, tail: IntArray, machines: int, thresholds: int
) -> int:
    """Bound operations sorted by decreasing tail that share identical ``machines``.

    For every set of operations with head >= rho and tail >= kappa, of at least as many as
    machines: (sum of the ``machines`` least heads + work + sum of the least tails) / machines,
    rounded up; ``thresholds`` values of rho at most are tried, every kappa for each.
    """
    n = head.size
    by_head = np.argsort(head)
    best = -FAR
    step = max(1, n // thresholds)
    for start in range(0, n - machines + 1, step):
        i = start
        rho = head[by_head[i]]
        while i > 0 and head[by_head[i - 1]] == rho:
            i -= 1
        heads = 0
        for j in range(i, i + machines):
            heads += head[by_head[j]]
        count = 0
        total = 0
        tails = 0
        oldest = 0
        for v in range(n):
            if head[v] < rho:
                continue
            total += work[v]
            tails += tail[v]
            count += 1
            if count > machines:
                while head[oldest] < rho:
                    oldest += 1
                tails -= tail[oldest]
                oldest += 1
            if count >= machines:
                best = max(best, -((-(heads + total + tails)) // machines))
    return best


@njit.inner
def _price_load(shop: FlexibleShop, price: IntArray, load: IntArray) -> int:
    """Return the cost of every operation on its cheapest machine; write the loads it makes."""
    load[:] = 0
    total = 0
    for v in range(shop.head.size):
        first = shop.alt_ptr[v]
        chosen = first
        least = price[shop.alt_machine[first]] * shop.alt_duration[first]
        for a in range(first + 1, shop.alt_ptr[v + 1]):
            cost = price[shop.alt_machine[a]] * shop.alt_duration[a]
            k = shop.alt_machine[a]
            kept = shop.alt_machine[chosen]
            if cost < least or (cost == least and load[k] < load[kept]):
                least = cost
                chosen = a
        total += least
        load[shop.alt_machine[chosen]] += shop.alt_duration[chosen]
    return total


@njit.entry
def price_bound(shop: FlexibleShop, margin: IntArray, first: IntArray, rounds: int) -> int:
    """Bound the objective by machine prices, improved by multiplicative weights.

    With prices l >= 0 that sum to L, every schedule has an objective of at least
    (sum over operations of min over machines of l_k d_vk + sum of l_k margin_k) / L, where
    ``margin`` is the least head plus the least tail on each machine.

    Parameters
    ----------
    first
        Prices to begin with, not all 0.
    rounds
        Number of improvements.
    """
    machines = margin.size
    load = np.zeros(machines, np.int64)
    weight = first / first.sum()
    price = np.zeros(machines, np.int64)
    best = -FAR
    for i in range(rounds):
        for k in range(machines):
            price[k] = np.int64(weight[k] * _PRICE_SCALE)
        total = _price_load(shop, price, load)
        mass = 0
        for k in range(machines):
            total += price[k] * margin[k]
            mass += price[k]
        best = max(best, -((-total) // mass))
        highest = 1.0
        for k in range(machines):
            highest = max(highest, float(abs(load[k] + margin[k])))
        rate = 0.5 / (1.0 + 0.05 * i)
        for k in range(machines):
            weight[k] *= np.exp(rate * (load[k] + margin[k]) / highest)
        weight /= weight.sum()
    return best


def _eligible_sets(shop: FlexibleShop) -> tuple[NDArray[np.bool_], IntArray]:
    """Return the distinct sets of eligible machines as rows, and each operation's row."""
    eligible = np.zeros((shop.head.size, shop.seq_ptr.size - 1), dtype=np.bool_)
    owner = np.repeat(np.arange(shop.head.size), np.diff(shop.alt_ptr))
    eligible[owner, shop.alt_machine] = True
    packed = np.packbits(eligible, axis=1)
    _, index, row = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return eligible[index], row.reshape(-1).astype(np.int64)


def _candidate_sets(distinct: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return sets of machines worth a look: all, or those that occur, their unions and all."""
    machines = distinct.shape[1]
    if machines <= _EXHAUSTIVE_MACHINES:
        numbers = np.arange(1, 1 << machines)[:, None]
        return (numbers >> np.arange(machines) & 1).astype(np.bool_)
    smallest = distinct[np.argsort(distinct.sum(axis=1), kind="stable")[:64]]
    unions = (smallest[:, None, :] | smallest[None, :, :]).reshape(-1, machines)
    everything = np.ones((1, machines), dtype=np.bool_)
    return np.unique(np.concatenate((smallest, unions, everything)), axis=0)


def _set_bound(shop: FlexibleShop, work: IntArray, head: IntArray, tail: IntArray) -> int:
    """Return the best bound over sets of machines from the work that must run inside them."""
    distinct, row = _eligible_sets(shop)
    share = np.bincount(row, weights=work, minlength=distinct.shape[0])
    sets = _candidate_sets(distinct)
    outside = distinct.astype(np.float32) @ (~sets).T.astype(np.float32)
    inside = outside == 0
    density = (share @ inside) / sets.sum(axis=1)
    best = -FAR
    thresholds = min(_THRESHOLDS, 4 + _THRESHOLD_STEPS // work.size)
    for i in np.argsort(-density, kind="stable")[:_EXAMINED_SETS].tolist():
        members = np.flatnonzero(inside[row, i])
        members = members[np.argsort(-tail[members], kind="stable")]
        count = int(sets[i].sum())
        if members.size >= count:
            args = head[members], work[members], tail[members]
            best = max(best, int(_parallel_bound(*args, count, thresholds)))
    return best


def lower_bound(shop: FlexibleShop) -> int:
    """Return a lower bound on the maximum of completion plus delivery time.

    The best of three bounds: longest path, work inside sets of machines, machine prices.
    """
    n = shop.head.size
    if n == 0:
        return 0
    work, head, tail = (np.zeros(n, dtype=np.int64) for _ in range(3))
    shortest_paths(shop, work, head, tail)
    margin = np.full((2, shop.seq_ptr.size - 1), FAR, dtype=np.int64)
    owner = np.repeat(np.arange(n), np.diff(shop.alt_ptr))
    np.minimum.at(margin[0], shop.alt_machine, head[owner])
    np.minimum.at(margin[1], shop.alt_machine, tail[owner])
    used = margin[0] < FAR
    gaps = np.where(used, margin[0] + margin[1], 0)
    rounds = min(_PRICE_ROUNDS, 20 + _PRICE_STEPS // owner.size)
    prices = int(price_bound(shop, gaps, used.astype(np.int64), rounds))
    return max(int((head + work + tail).max()), _set_bound(shop, work, head, tail), prices)
