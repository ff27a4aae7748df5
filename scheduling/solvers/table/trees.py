"""Solver ``trees``: which rows share what, as a tree over the rows that is changed step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any, NamedTuple

import numpy as np

from scheduling.models.table.arrays import Ints, Line, Lines, TableArrays
from scheduling.solvers.bases import NeedsNumba, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable, offer
from scheduling.solvers.table.grouping import grouped
from scheduling.solvers.warmup import Kernels, ready

_ROW_STEPS, _MOST_STEPS = 20, 20_000
"""Steps of one round, by different row and at most."""

_STEPS_AT_ONCE, _LEAST_AT_ONCE, _ROWS_AT_ONCE = 500, 20, 500_000
"""Most and fewest steps between two looks at the clock; rows that they look at, about."""

_SHOWN = 10
"""Orders of a round that are posted, at most: to write them down takes a moment."""

_HOT, _COLD = 0.3, 0.005
"""Heat at the beginning of a round, in the mean saving of a node; the end's share of that."""

_LEAST_HEAT = 1e-3
"""Heat at which no loss is taken, as savings are whole numbers."""

NONE = -1
"""No node."""

_FEWEST = 3
"""Different rows below which all orders are as good."""


class Trees(NeedsNumba, TakesAll):
    """Simulated annealing of a binary tree over the rows, in rounds that start from the best one.

    An order is a tree that parts first where neighbours share least, and a tree is an order that
    saves, for each inner node, the weight of what all rows below it have in common. Nodes are taken
    out, rows that are alike or one node with all below it, and put back where they save most, by a
    search from the root that ends ways that lose too much. Equal rows stay together. One unit of
    work is one round.

    Sources: subtrees that are pruned and regrafted, as in the search of phylogenies (Swofford and
    others, "Phylogenetic inference", 1996); the place by branch and bound as in Bittner, Hapala and
    Havran, "Fast insertion-based optimization of bounding volume hierarchies", Computer Graphics
    Forum 32, 2013; many at once as in Schrimpf and others, "Record breaking optimization results
    using the ruin and recreate principle", Journal of Computational Physics 159, 2000.

    Parameters
    ----------
    rounds
        Most rounds; ``None``: as many as the budget allows.
    """

    name = "trees"
    summary = "simulated annealing of a tree over the rows, which says what they share"

    def __init__(self, rounds: int | None = None) -> None:
        self._rounds = rounds

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernel."""
        return (TREES,)

    def search(
        self, data: CompiledTable, board: Board[Lines], budget: Budget, hint: Lines | None
    ) -> None:
        """Improve the tree until nothing of the budget is left."""
        arrays = data.arrays
        start = board.known(hint)
        if start is None:
            start = grouped(arrays, lambda: board.stopped or budget.remaining() == 0)
        offer(data, board, start, self.name)
        if not ready((TREES,), board, budget):
            return
        began = time.monotonic()
        table = Table(arrays)
        if len(table.rows) < _FEWEST:
            return
        best = offered = arrays.saved(start)
        tree = table.tree(start)
        # To write lines down takes about as long as to make a tree of them.
        moment = time.monotonic() - began
        for number in count():
            if any(most is not None and number >= most for most in (budget.work, self._rounds)):
                return
            rng = np.random.default_rng((budget.seed, number))
            # The first round takes no losses: it soon betters the order of a rule.
            hot = _HOT if number else 0.0
            for saved, found, shown in table.round(tree, best, hot, rng):
                left = budget.remaining()
                over = board.stopped or (left is not None and left <= moment)
                if saved > best:
                    best, tree = saved, found
                if best > offered and (shown or over):
                    offered = best
                    offer(data, board, table.lines(tree), self.name)
                if over:
                    return


class Tree(NamedTuple):
    """The node above each node, and the two below each inner one."""

    up: Ints
    down: Ints


class Table:
    """The different rows of a table, and the trees over them."""

    def __init__(self, arrays: TableArrays) -> None:
        self._arrays = arrays
        self.value, self.rows, self._same = np.unique(
            arrays.value, axis=0, return_index=True, return_inverse=True
        )
        self._weight = np.zeros((arrays.value.shape[1], int(arrays.value.max()) + 1), np.int64)
        for field, texts in enumerate(arrays.value.T):
            self._weight[field, texts] = arrays.weight[:, field]
        # Rows that are there again save all that they have.
        again = np.delete(np.arange(len(arrays.value)), self.rows)
        self._certain = int(arrays.weight[again].sum())

    def tree(self, lines: Lines) -> Tree:
        """Return a tree of lines: where neighbours share least, it parts first."""
        place = {int(row): number for number, row in enumerate(self.rows)}
        chosen = [line for line in lines if line.row in place]
        shares = [self._arrays.saved(pair) for pair in pairwise(chosen)]
        rows = len(chosen)
        tree = Tree(np.full(2 * rows - 1, NONE), np.full((2 * rows - 1, 2), NONE))
        free = iter(range(rows, 2 * rows - 1))
        open_parts = [(0, rows, NONE, 0)]
        while open_parts:
            start, end, above, side = open_parts.pop()
            alone = end - start == 1
            node = place[chosen[start].row] if alone else next(free)
            tree.up[node] = above
            if above != NONE:
                tree.down[above, side] = node
            if not alone:
                between = np.array(shares[start : end - 1])
                least = np.flatnonzero(between == between.min())
                # Of equals the one in the middle, so that trees are not deep without need.
                cut = start + 1 + int(least[len(least) // 2])
                open_parts += [(start, cut, node, 0), (cut, end, node, 1)]
        return tree

    def round(
        self, tree: Tree, saved: int, hot: float, rng: np.random.Generator
    ) -> Iterator[tuple[int, Tree, bool]]:
        """Anneal a tree that saves so much; yield the best so far, and whether to post it."""
        from scheduling.solvers.table.kernels.trees import anneal

        current = Tree(tree.up.copy(), tree.down.copy())
        rows = len(self.rows)
        steps = min(_MOST_STEPS, _ROW_STEPS * rows)
        cooling = _COLD ** (1.0 / steps)
        heat = max(_LEAST_HEAT, hot * (saved - self._certain) / rows)
        at_once = min(_STEPS_AT_ONCE, max(_LEAST_AT_ONCE, _ROWS_AT_ONCE // rows))
        for first in range(0, steps, at_once):
            now = min(at_once, steps - first)
            most, up, down = anneal(self.value, self._weight, *current, now, heat, cooling, rng)
            heat *= cooling**now
            shown = _SHOWN * first // steps < _SHOWN * (first + now) // steps
            yield most + self._certain, Tree(up, down), shown

    def lines(self, tree: Tree) -> Lines:
        """Return the lines of a tree; of each node the common cells come behind those above it."""
        rows, fields = self.value.shape
        same: list[list[int]] = [[] for _ in self.rows]
        for row, number in enumerate(self._same.tolist()):
            same[number].append(row)
        common = self._common(tree)
        found: list[Line] = []
        open_nodes: list[tuple[int, tuple[int, ...]]] = [(int(np.flatnonzero(tree.up < 0)[0]), ())]
        while open_nodes:
            node, ahead = open_nodes.pop()
            ahead += tuple(f for f in range(fields) if common[node][f] and f not in ahead)
            if node < rows:
                found += [Line(row, ahead) for row in same[node]]
            else:
                open_nodes += [(below, ahead) for below in tree.down[node].tolist()]
        return tuple(found)

    def _common(self, tree: Tree) -> list[list[bool]]:
        """Return by node and field whether all rows below have the same cell there."""
        rows, fields = self.value.shape
        cells = self.value.tolist() + [[NONE] * fields for _ in range(rows - 1)]
        order = [int(np.flatnonzero(tree.up < 0)[0])]
        down = tree.down.tolist()
        for node in order:
            if node >= rows:
                order += down[node]
        for node in reversed(order):
            if node >= rows:
                pair = zip(*(cells[below] for below in down[node]), strict=True)
                cells[node] = [one if one == other else NONE for one, other in pair]
        return [[text != NONE for text in texts] for texts in cells]


def _anneal() -> None:
    from scheduling.solvers.table.kernels.trees import anneal

    value = np.zeros((3, 1), np.int64)
    up = np.array([3, 3, 4, 4, NONE])
    down = np.array([[NONE, NONE]] * 3 + [[0, 1], [3, 2]])
    anneal(value, value[:1], up, down, 1, 1.0, 1.0, np.random.default_rng(0))


TREES = Kernels("table", _anneal)
