"""Which node gets which filling, so that few items leave theirs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.placement.filling.diving import Choice
from scheduling.solvers.placement.filling.groups import Groups
from scheduling.solvers.placement.filling.stakes import Floats

_PRECISION = 1000.0
_TOGETHER = 400
"""Nodes that are matched together: the time grows faster than their number."""


def settle(groups: Groups, choice: Choice, worth: Floats) -> Ints:
    """Return the items of each class on each node, (K, m), what is fixed included.

    An assignment of the fillings of each group to its nodes lets most items stay. Nodes that get no
    filling keep what runs there, as far as it is in none.

    Parameters
    ----------
    groups
        The nodes.
    choice
        Fillings, of each group at most as many as it has nodes.
    worth
        (K,) worth of a stay.
    """
    counts = groups.fixed.copy()
    left = groups.size - choice.items.sum(axis=0)
    bare: list[Ints] = []
    for group in range(len(groups.count)):
        nodes = groups.members(group)
        items = choice.items[choice.group == group]
        nodes = nodes[np.lexsort(groups.running[nodes].T)]
        items = items[np.lexsort(items.T)]
        at = _assigned(items, groups.running[nodes], worth)
        counts[:, nodes[at]] += items.T
        bare.append(np.delete(nodes, at))
    for node in np.concatenate(bare).tolist():
        stay = np.minimum(groups.running[node], left)
        counts[:, node] += stay
        left -= stay
    return counts


def _assigned(items: Ints, running: Ints, worth: Floats) -> Ints:
    """Return a node for each filling, (C,), so that what stays is worth much.

    Many are dealt out in parts, like beside like.
    """
    parts = max(1, -(-len(running) // _TOGETHER))
    ends = np.linspace(0, len(running), parts + 1).astype(int).tolist()
    found = [np.zeros(0, np.int64)]
    for first, end in pairwise(ends):
        found.append(first + _matched(items[first:end], running[first:end], worth))
    return np.concatenate(found)


def _matched(items: Ints, running: Ints, worth: Floats) -> Ints:
    """Return a node for each filling, (C,), so that what stays is worth most."""
    from ortools.graph.python import linear_sum_assignment

    if not len(items):
        return np.zeros(0, np.int64)
    distinct, of = np.unique(items, axis=0, return_inverse=True)
    stay = np.zeros((len(distinct), len(running)))
    for number, filling in enumerate(distinct):
        there = np.flatnonzero(filling)
        stay[number] = np.minimum(running[:, there], filling[there]) @ worth[there]
    size = len(running)
    gain = np.zeros((size, size), np.int64)
    scale = max(float(stay.max()), 1e-12)
    gain[: len(items)] = np.rint(_PRECISION * stay[of.reshape(-1)] / scale)
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    row, column = np.indices((size, size))
    solver.add_arcs_with_cost(row.ravel(), column.ravel(), -gain.ravel())
    solver.solve()
    return np.array([solver.right_mate(index) for index in range(len(items))], np.int64)
