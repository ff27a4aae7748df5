"""The compiled search of trees over the rows of a table. Importing this module loads numba.

Nodes are numbered: n rows first, then n - 1 inner nodes. A tree is ``up``, the node above each one,
and ``down``, the two nodes below each inner one. What all rows below a node have in common is in
``cells``, and the weight of that in ``worth``; an inner node saves its worth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]

NONE = -1
"""No node; no common cell."""

_MOST = 10
"""Most nodes that one step takes out."""

_SINGLE = 0.4
"""Share of the steps that take out one node with all below it."""

_NEAR = 0.5
"""Share of the rows taken out that stand near the first one; the others have a cell of it."""


class Tree(NamedTuple):
    """A tree over the rows, and what its nodes have in common."""

    weight: Ints
    up: Ints
    down: Ints
    root: Ints
    cells: Ints
    worth: Ints


@njit.entry
def anneal(
    value: Ints,
    weight: Ints,
    up: Ints,
    down: Ints,
    steps: int,
    hot: float,
    cooling: float,
    rng: Any,
) -> tuple[int, Ints, Ints]:
    """Anneal a tree; return what the best one saves, and its arrays ``up`` and ``down``.

    Each step takes nodes out and puts each of them back where that saves most. The arrays of the
    tree are changed: they are those of the last one at the end.

    Parameters
    ----------
    value
        Number of the text, by row and field; at least three rows.
    weight
        Weight by field and number of the text.
    up, down
        The tree.
    steps
        Number of steps.
    hot
        Loss that is taken with probability 1 / e by the first step.
    cooling
        Factor by which that falls from step to step.
    rng
        Generator.
    """
    tree = _grown(value, weight, up, down)
    n = len(value)
    total = 0
    for node in range(n, 2 * n - 1):
        total += tree.worth[node]
    best, best_up, best_down = total, tree.up.copy(), tree.down.copy()
    alike, place = _alike(value)
    out = np.empty(_MOST, np.int64)
    beside, back = out.copy(), out.copy()
    stack = np.empty((2 * n, 3), np.int64)
    heat = hot
    for _ in range(steps):
        heat *= cooling
        count = _chosen(tree, alike, place, out, rng)
        before = total
        for k in range(count):
            beside[k] = _sibling(tree, out[k])
            total += _take_out(tree, out[k])
        for k in range(count):
            back[k] = out[k]
        _shuffle(back[:count], rng)
        for k in range(count):
            total += _put_in(tree, back[k], _best_place(tree, back[k], stack, rng))
        if total < before and rng.random() >= np.exp((total - before) / heat):
            for k in range(count - 1, -1, -1):
                _take_out(tree, back[k])
            for k in range(count - 1, -1, -1):
                _put_in(tree, out[k], beside[k])
            total = before
        elif total > best:
            best = total
            copy(best_up, tree.up)
            for node in range(len(best_down)):
                copy(best_down[node], tree.down[node])
    return best, best_up, best_down


@njit.inner
def _grown(value: Ints, weight: Ints, up: Ints, down: Ints) -> Tree:
    """Return a tree with what its nodes have in common."""
    n, fields = value.shape
    cells = np.full((2 * n - 1, fields), NONE, np.int64)
    worth, root = np.zeros(2 * n - 1, np.int64), np.zeros(1, np.int64)
    for row in range(n):
        copy(cells[row], value[row])
        for field in range(fields):
            worth[row] += weight[field, value[row, field]]
    while up[root[0]] != NONE:
        root[0] = up[root[0]]
    tree = Tree(weight, up, down, root, cells, worth)
    # A node is complete once both below it are.
    missing = np.full(2 * n - 1, 2, np.int64)
    for row in range(n):
        node = up[row]
        while node != NONE:
            missing[node] -= 1
            if missing[node] > 0:
                break
            _gather(tree, node)
            node = up[node]
    return tree


@njit.lean
def _gather(tree: Tree, node: int) -> bool:
    """Note what the two below a node have in common; tell whether that is new."""
    left, right = tree.down[node]
    worth, new = 0, False
    for field in range(tree.cells.shape[1]):
        text = tree.cells[left, field]
        if text != tree.cells[right, field]:
            text = NONE
        if text != NONE:
            worth += tree.weight[field, text]
        if text != tree.cells[node, field]:
            tree.cells[node, field] = text
            new = True
    tree.worth[node] = worth
    return new


@njit.inner
def _alike(value: Ints) -> tuple[Ints, Ints]:
    """Return the rows by field, sorted by their text there, and the place of each row in that."""
    n, fields = value.shape
    alike, place = np.empty((fields, n), np.int64), np.empty((fields, n), np.int64)
    for field in range(fields):
        alike[field] = np.argsort(value[:, field], kind="mergesort")
        for k in range(n):
            place[field, alike[field, k]] = k
    return alike, place


@njit.inner
def _shuffle(nodes: Ints, rng: Any) -> None:
    for k in range(len(nodes) - 1, 0, -1):
        other = rng.integers(0, k + 1)
        nodes[k], nodes[other] = nodes[other], nodes[k]


@njit.lean
def _sibling(tree: Tree, node: int) -> int:
    left, right = tree.down[tree.up[node]]
    return right if left == node else left


@njit.inner
def _chosen(tree: Tree, alike: Ints, place: Ints, out: Ints, rng: Any) -> int:
    """Choose nodes to take out, none above another and not all; return how many."""
    fields, n = alike.shape
    if rng.random() < _SINGLE:
        node = rng.integers(0, 2 * n - 1)
        if tree.up[node] != NONE:
            out[0] = node
            return 1
    first = rng.integers(0, n)
    out[0] = first
    count, wanted = 1, rng.integers(2, min(_MOST, n - 2) + 1) if n > 3 else 1
    for _ in range(2 * wanted):
        if count == wanted:
            break
        if rng.random() < _NEAR:
            # Some steps up from a chosen row and down again.
            row, rise = out[rng.integers(0, count)], rng.integers(1, 4)
            for _ in range(rise):
                if tree.up[row] != NONE:
                    row = tree.up[row]
            while row >= n:
                row = tree.down[row, rng.integers(0, 2)]
        else:
            field = rng.integers(0, fields)
            at = place[field, first] + rng.integers(-8, 9)
            row = alike[field, min(n - 1, max(0, at))]
        new = True
        for k in range(count):
            new &= out[k] != row
        if new:
            out[count] = row
            count += 1
    return count


@njit.lean
def _take_out(tree: Tree, node: int) -> int:
    """Take a node out with all below it; return how much more the rest saves, itself left out.

    The node above it goes out with it, and stays the one above it.
    """
    above = tree.up[node]
    other, higher = _sibling(tree, node), tree.up[above]
    tree.up[other] = higher
    if higher == NONE:
        tree.root[0] = other
    else:
        side = 0 if tree.down[higher, 0] == above else 1
        tree.down[higher, side] = other
    return _risen(tree, higher) - tree.worth[above]


@njit.lean
def _put_in(tree: Tree, node: int, beside: int) -> int:
    """Put a node that was taken out beside another one; return how much more is saved."""
    above, higher = tree.up[node], tree.up[beside]
    tree.down[above, 0], tree.down[above, 1] = beside, node
    tree.up[above], tree.up[beside] = higher, above
    if higher == NONE:
        tree.root[0] = above
    else:
        side = 0 if tree.down[higher, 0] == beside else 1
        tree.down[higher, side] = above
    _gather(tree, above)
    return _risen(tree, higher) + tree.worth[above]


@njit.lean
def _risen(tree: Tree, node: int) -> int:
    """Gather anew from a node upwards, as far as anything changes; return how much worth rose."""
    rise = 0
    while node != NONE:
        before = tree.worth[node]
        if not _gather(tree, node):
            break
        rise += tree.worth[node] - before
        node = tree.up[node]
    return rise


@njit.lean
def _common(tree: Tree, one: int, other: int) -> int:
    """Return the weight of what two nodes have in common."""
    found = 0
    for field in range(tree.cells.shape[1]):
        text = tree.cells[one, field]
        if text != NONE and text == tree.cells[other, field]:
            found += tree.weight[field, text]
    return found


@njit.inner
def _best_place(tree: Tree, node: int, stack: Ints, rng: Any) -> int:
    """Return the node beside which one that was taken out saves most.

    What is lost on the way from the root never comes back, and no place saves more than all that
    the node has: ways that cannot be better end. The stack has a node, what is lost above it and
    what it has in common with the one to place.
    """
    most, found = np.int64(-(2**62)), tree.root[0]
    whole, rows = tree.worth[node], (len(tree.up) + 1) // 2
    stack[0] = found, 0, _common(tree, node, found)
    size = 1
    while size > 0:
        size -= 1
        at, loss, common = stack[size]
        if whole - loss <= most:
            continue
        if common - loss > most:
            most, found = common - loss, at
        loss += tree.worth[at] - common
        if at < rows or whole - loss <= most:
            continue
        side = rng.integers(0, 2)
        near, far = tree.down[at, side], tree.down[at, 1 - side]
        close, wide = _common(tree, node, near), _common(tree, node, far)
        if close < wide:
            near, far, close, wide = far, near, wide, close
        stack[size], stack[size + 1] = (far, loss, wide), (near, loss, close)
        size += 2
    return found
