"""Best fit on numbers of equal items, for problems whose items know only capacities."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays


def class_order(arrays: PlacementArrays, *, small_first: bool) -> Ints:
    """Classes by priority, then by the largest share of the whole capacity that one item takes.

    Large ones first pack best where all fit; small ones first place more where they do not.
    """
    total = np.maximum(arrays.capacity.sum(axis=0), 1)
    share = (arrays.demand / total).max(axis=1, initial=0.0)
    order: Ints = np.lexsort((share if small_first else -share, arrays.tier))
    return order


def slack(arrays: PlacementArrays, free: Ints, k: int, nodes: Ints) -> Ints:
    """Share of each node's capacity that one more item of a class would leave free, summed up."""
    used = arrays.demand[k] > 0
    capacity = np.maximum(arrays.capacity[np.ix_(nodes, used)], 1)
    left: Ints = ((free[np.ix_(nodes, used)] - arrays.demand[k, used]) / capacity).sum(axis=1)
    return left


def pack(arrays: PlacementArrays, counts: Ints, *, small_first: bool) -> Ints:
    """Add items to a placement, class by class, on the node that they leave least free.

    Items stay where they run as far as there is room; the others of a class fill one node after the
    other, which is what best fit does item by item. Takes only problems without rules between items
    (:attr:`PlacementArrays.plain`).

    Parameters
    ----------
    arrays
        The problem.
    counts
        Items that stand already, (K, m).
    small_first
        Whether small items come before large ones of the same priority.

    Returns
    -------
    Ints
        The fuller placement, (K, m).
    """
    counts = counts.copy()
    free = arrays.capacity - counts.T @ arrays.demand
    size = arrays.size()
    for k in class_order(arrays, small_first=small_first).tolist():
        left = int(size[k] - counts[k].sum())
        own = np.flatnonzero(arrays.running[k] > counts[k])
        if left and own.size:
            back = np.minimum(arrays.running[k, own] - counts[k, own], _room(arrays, free, k, own))
            left -= _add(arrays, counts, free, k, own, back, left)
        fill_class(arrays, counts, free, k, np.flatnonzero(arrays.eligible[k]), left)
    return counts


def fill_class(
    arrays: PlacementArrays, counts: Ints, free: Ints, k: int, nodes: Ints, left: int
) -> None:
    """Put up to ``left`` items of a class on nodes, first where they leave least free.

    Parameters
    ----------
    arrays
        The problem.
    counts, free
        Items that stand already, (K, m), and what the nodes have left, (m, R); both are updated.
    k
        The class.
    nodes
        Nodes to fill; those that the class may not use are left out.
    left
        Most items to put.
    """
    nodes = nodes[arrays.eligible[k, nodes]]
    room = _room(arrays, free, k, nodes)
    nodes, room = nodes[room > 0], room[room > 0]
    if left > 0 and nodes.size:
        order = np.argsort(slack(arrays, free, k, nodes), kind="stable")
        _add(arrays, counts, free, k, nodes[order], room[order], left)


def _room(arrays: PlacementArrays, free: Ints, k: int, nodes: Ints) -> Ints:
    """How many items of a class fit on each node."""
    used = arrays.demand[k] > 0
    if not used.any():
        return np.full(len(nodes), len(arrays.members[k]), np.int64)
    fits: Ints = np.maximum(free[np.ix_(nodes, used)], 0) // arrays.demand[k, used]
    most: Ints = fits.min(axis=1)
    return most


def _add(
    arrays: PlacementArrays, counts: Ints, free: Ints, k: int, nodes: Ints, most: Ints, left: int
) -> int:
    """Put up to ``left`` items on nodes in their order, at most so many on each."""
    before = np.cumsum(most) - most
    taken = np.clip(left - before, 0, most)
    counts[k, nodes] += taken
    free[nodes] -= taken[:, None] * arrays.demand[k]
    return int(taken.sum())
