"""Bound of a ring's slowest link by formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.models.ring.arrays import RingArrays

Flags = NDArray[np.bool_]


def fastest_level(arrays: RingArrays) -> int:
    """Return a level that no ring's slowest link exceeds.

    The links of a ring lead from every node to every other, and connect the others, in one way at
    least, when any one node is taken away; the fastest links that do so all are no slower.
    """
    low, high = 0, len(arrays.rates) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _stays_whole(arrays.level >= middle):
            low = middle
        else:
            high = middle - 1
    return low


def _stays_whole(links: Flags) -> bool:
    return _reaches_all(links) and _reaches_all(links.T) and _without_any_one(links | links.T)


def _reaches_all(links: Flags) -> bool:
    """Return whether links lead from the first node to all."""
    reached = np.zeros(len(links), dtype=bool)
    reached[0] = True
    fresh = np.array([0])
    while len(fresh):
        more = links[fresh].any(axis=0) & ~reached
        reached |= more
        fresh = np.flatnonzero(more)
    return bool(reached.all())


def _without_any_one(links: Flags) -> bool:
    """Return whether symmetric links connect all nodes, and the others without any one node.

    A node cuts others off when nothing below one of its children in a depth-first tree leads above
    it, or when it is the root and has several children (Hopcroft and Tarjan, 1973).
    """
    count = len(links)
    place, parent = [-1] * count, [-1] * count
    order = [0]
    place[0] = 0
    left = np.ones(count, dtype=bool)
    left[0] = False
    path = [0]
    while path:
        ahead = np.flatnonzero(links[path[-1]] & left)
        if len(ahead) == 0:
            path.pop()
            continue
        node = int(ahead[0])
        parent[node], place[node], left[node] = path[-1], len(order), False
        order.append(node)
        path.append(node)
    if len(order) < count:
        return False
    at = np.array(place)
    lowest = [min(at[node], int(at[links[node]].min(initial=count))) for node in range(count)]
    children = 0
    for node in reversed(order[1:]):
        above = parent[node]
        if above == 0:
            children += 1
        elif lowest[node] >= place[above]:
            return False
        lowest[above] = min(lowest[above], lowest[node])
    return children <= 1
