"""The best filling of a node: knapsacks of several resources, by branch and bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STEPS = 80
_SHRINK = 0.93
_LEAST = 1e-9


@njit.inner
def prices_of_room(share: Floats, worth: Floats, most: Ints) -> Floats:
    """Find what the resources of a node are worth: subgradient steps on the Lagrangian dual.

    Parameters
    ----------
    share
        (n, R) what one item takes of each resource, as a share of the node's.
    worth, most
        (n,) value of an item, and how many there are.
    """
    n, width = share.shape
    dense = 0.0
    for item in range(n):
        largest = 0.0
        for r in range(width):
            largest = max(largest, share[item, r])
        if largest > 0.0:
            dense = max(dense, worth[item] / largest)
    price = np.full(width, 0.5 * dense / width)
    best_price = price.copy()
    best, step = np.inf, 0.25 * dense
    slope = np.empty(width)
    for _ in range(_STEPS):
        value = 0.0
        for r in range(width):
            slope[r] = 1.0
            value += price[r]
        for item in range(n):
            gain = worth[item]
            for r in range(width):
                gain -= price[r] * share[item, r]
            if gain > 0.0:
                value += gain * most[item]
                for r in range(width):
                    slope[r] -= most[item] * share[item, r]
        if value < best:
            best = value
            copy(best_price, price)
        length = 0.0
        for r in range(width):
            length += slope[r] * slope[r]
        length = np.sqrt(length)
        if length < _LEAST:
            break
        for r in range(width):
            price[r] = max(0.0, price[r] - step * slope[r] / length)
        step *= _SHRINK
    return best_price


@njit.inner
def _fitting(room: Ints, need: Ints, most: Ints) -> Ints:
    """Count how many items of each kind fit on an empty node."""
    fits = most.copy()
    for item in range(need.shape[0]):
        for r in range(need.shape[1]):
            if need[item, r] > 0:
                fits[item] = min(fits[item], max(room[r], 0) // need[item, r])
    return fits


@njit.lean
def _above(
    item: int, value: float, room: float, best: float, worth: Floats, load: Floats, most: Ints
) -> float:
    """Bound what a filling can be worth: fractions of items in the order of their density."""
    for other in range(item, worth.shape[0]):
        if load[other] > _LEAST:
            rest = value + worth[other] * room / load[other]
            if rest <= best or load[other] * most[other] > room:
                return rest
        value += worth[other] * most[other]
        room -= load[other] * most[other]
    return value


@njit.entry
def fill(room: Ints, need: Ints, worth: Floats, most: Ints, limit: int, found: Ints) -> float:
    """Fill a node so that the items are worth most; return their worth.

    Depth first, items of high density first, as many as fit first. Density is value over resources
    at their prices (:func:`prices_of_room`). Ends with the best filling so far after ``limit``
    nodes of the search tree beyond the first dive.

    Parameters
    ----------
    room
        (R,) free on the node.
    need
        (n, R) taken by one item.
    worth, most
        (n,) value of an item, and how many there are; what is worth nothing is left out.
    limit
        Most nodes of the search tree.
    found
        (n,) filled with the number of items.
    """
    found[:] = 0
    fits = _fitting(room, need, most)
    kept = np.flatnonzero((fits > 0) & (worth > _LEAST))
    n, width = len(kept), room.shape[0]
    if n == 0:
        return 0.0
    share = np.zeros((n, width))
    for row in range(n):
        for r in range(width):
            if room[r] > 0:
                share[row, r] = need[kept[row], r] / room[r]
    price = prices_of_room(share, worth[kept], fits[kept])
    load = np.zeros(n)
    for row in range(n):
        for r in range(width):
            load[row] += price[r] * share[row, r]
    order = np.argsort(-worth[kept] / np.maximum(load, _LEAST), kind="mergesort")
    kept, load = kept[order], load[order]
    need, worth, fits = need[kept], worth[kept], fits[kept]
    return _descend(room.copy(), price.sum(), need, worth, fits, load, limit + n, kept, found)


@njit.inner
def _descend(
    free: Ints,
    left: float,
    need: Ints,
    worth: Floats,
    most: Ints,
    load: Floats,
    limit: int,
    kept: Ints,
    found: Ints,
) -> float:
    n, width = need.shape
    count, chosen = np.zeros(n, np.int64), np.zeros(n, np.int64)
    value, best, visited, item = 0.0, 0.0, 0, 0
    forward = True
    while item >= 0:
        if forward:
            visited += 1
            if item == n or visited > limit:
                if value > best + _LEAST:
                    best = value
                    copy(chosen, count)
                if visited > limit:
                    break
                forward = False
                item -= 1
                continue
            if _above(item, value, left, best, worth, load, most) <= best + _LEAST:
                forward = False
                item -= 1
                continue
            times = most[item]
            for r in range(width):
                if need[item, r] > 0:
                    times = min(times, free[r] // need[item, r])
            count[item] = times
            value += times * worth[item]
            left -= times * load[item]
            for r in range(width):
                free[r] -= times * need[item, r]
            item += 1
        elif count[item] > 0:
            count[item] -= 1
            value -= worth[item]
            left += load[item]
            for r in range(width):
                free[r] += need[item, r]
            item += 1
            forward = True
        else:
            item -= 1
    for row in range(n):
        found[kept[row]] = chosen[row]
    return best


@njit.entry
def fill_groups(
    room: Ints, open_to: Flags, need: Ints, worth: Floats, most: Ints, limit: Ints, found: Ints
) -> None:
    """Fill one node of each group anew for each row of values.

    Parameters
    ----------
    room, open_to
        (T, R) and (T, K): free on a node of each group, and which classes may come there.
    need, most
        (K, R) and (K,): taken by an item of each class, and how many there are.
    worth
        (V, T, K) values.
    limit
        (V,) most nodes of the search trees of each row.
    found
        (V, T, K) filled with the number of items.
    """
    for row in range(worth.shape[0]):
        for group in range(room.shape[0]):
            value = np.where(open_to[group], worth[row, group], 0.0)
            fill(room[group], need, value, most, limit[row], found[row, group])


@njit.entry
def fill_nodes(
    of: Ints,
    room: Ints,
    open_to: Flags,
    need: Ints,
    worth: Floats,
    bonus: Floats,
    most: Ints,
    running: Ints,
    limit: int,
    found: Ints,
) -> None:
    """Fill nodes on which items that run there now are worth more than others.

    Parameters
    ----------
    of
        (N,) group of each node.
    room, open_to, need, most
        As for :func:`fill_groups`.
    worth, bonus
        (K,) value of an item, and what is gained when one stays.
    running
        (N, K) items that run on each node and may stay.
    limit
        Most nodes of each search tree.
    found
        (N, K) filled with the number of items.
    """
    classes, width = need.shape
    size = 2 * classes
    needs, values = np.zeros((size, width), np.int64), np.zeros(size)
    numbers, who = np.zeros(size, np.int64), np.zeros(size, np.int64)
    taken = np.zeros(size, np.int64)
    for node in range(of.shape[0]):
        group, n = of[node], 0
        for k in range(classes):
            if running[node, k] > 0:
                needs[n], values[n], numbers[n] = need[k], worth[k] + bonus[k], running[node, k]
                who[n] = k
                n += 1
            if open_to[group, k] and worth[k] > _LEAST and most[k] > running[node, k]:
                needs[n], values[n], numbers[n] = need[k], worth[k], most[k] - running[node, k]
                who[n] = k
                n += 1
        fill(room[group], needs[:n], values[:n], numbers[:n], limit, taken[:n])
        found[node] = 0
        for row in range(n):
            found[node, who[row]] += taken[row]


@njit.entry
def find_homes(
    patterns: Ints,
    group: Ints,
    first: Ints,
    count: Ints,
    running: Ints,
    cost: Floats,
    home: Ints,
    least: Floats,
    mean: Floats,
) -> None:
    """Find for each pattern the nodes of its group that it would disturb least.

    Parameters
    ----------
    patterns, group
        (B, K) items of each pattern, and its group, (B,).
    first
        (T + 1,) where the kinds of each group begin, and the end.
    count, running
        (J,) nodes of each kind, and (J, K) items that run on one of them and may stay.
    cost
        (K,) cost of one item that leaves.
    home, least, mean
        (B,) filled with the kind that is disturbed least, the cost there, and the mean cost over
        the group's nodes.
    """
    total = np.zeros(running.shape[0])
    for number in range(running.shape[0]):
        for k in range(cost.shape[0]):
            total[number] += cost[k] * running[number, k]
    for row in range(patterns.shape[0]):
        there = np.flatnonzero(patterns[row])
        all_gone, nodes = 0.0, 0.0
        least[row] = np.inf
        for kind in range(first[group[row]], first[group[row] + 1]):
            gone = total[kind]
            for held in there:
                gone -= cost[held] * min(patterns[row, held], running[kind, held])
            if gone < least[row]:
                least[row], home[row] = gone, kind
            all_gone += count[kind] * gone
            nodes += count[kind]
        mean[row] = all_gone / max(nodes, 1.0)
