"""Which device takes which filling, so that as little as possible is copied."""

from __future__ import annotations

from itertools import product

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays, Ints


def relabelled(arrays: ExpertArrays, counts: Ints) -> Ints:
    """Exchange whole fillings between devices with equally many slots; loads stay the same.

    With a hierarchy, the fillings of whole nodes are exchanged between nodes with equal devices.
    Both are assignment problems, solved exactly.
    """
    if not arrays.held.any():
        return counts
    devices = [np.flatnonzero(arrays.node == node) for node in range(arrays.n_nodes)]
    cost = np.full((len(devices), len(devices)), -1, np.int64)
    inner: dict[tuple[int, int], Ints] = {}
    for old, new in product(range(len(devices)), repeat=2):
        if sorted(arrays.slots[devices[old]]) == sorted(arrays.slots[devices[new]]):
            inner[old, new] = _matched(arrays, counts, devices[old], devices[new])
            moved = counts[inner[old, new]]
            fresh = (moved > 0) & ~arrays.held[devices[new]]
            cost[old, new] = fresh.sum(axis=0) @ arrays.size
    result = counts.copy()
    for old, new in enumerate(_assignment(cost)):
        result[devices[new]] = counts[inner[old, new]]
    return result


def _matched(arrays: ExpertArrays, counts: Ints, old: Ints, new: Ints) -> Ints:
    """For each device of ``new``, the device of ``old`` whose filling it takes."""
    fresh = (counts[old] > 0).astype(np.int64) @ np.where(arrays.held[new], 0, arrays.size).T
    fresh[arrays.slots[old][:, None] != arrays.slots[new][None, :]] = -1
    taken = np.empty(len(new), np.int64)
    for source, target in enumerate(_assignment(fresh)):
        taken[target] = old[source]
    return taken


def _assignment(cost: Ints) -> list[int]:
    """Column of each row in an assignment of least cost; -1 marks pairs that may not be."""
    from ortools.graph.python import linear_sum_assignment

    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    rows, columns = np.nonzero(cost >= 0)
    solver.add_arcs_with_cost(rows, columns, cost[rows, columns])
    solver.solve()
    return [solver.right_mate(row) for row in range(len(cost))]
