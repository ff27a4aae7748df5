"""Fillings that improve the linear program: knapsacks at its prices."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.placement.filling.groups import Groups
from scheduling.solvers.placement.filling.master import Prices
from scheduling.solvers.placement.filling.stakes import Stakes
from scheduling.solvers.placement.kernels.knapsack import (
    fill_groups,
    fill_nodes,
    find_homes,
)

_SEARCH, _MOST_SEARCH, _DEEPER = 300, 30_000, 10
"""Nodes of the search tree of one knapsack: at first, at most, and by how much they grow."""

_VARIANTS = 150
"""Knapsacks of one round, groups times variants of the prices."""

_MOST_VARIANTS = 10
_NOISE = 0.1
_BONUS = 2.5
"""What a stay is worth to a knapsack, in times of its worth in the program.

Otherwise items that the program values alike, within its noise, would swap places.
"""


class Pricing:
    """Knapsacks of all groups, and of single nodes with what runs there.

    Parameters
    ----------
    groups, stakes
        The nodes and the costs.
    rng
        Source of the variants of prices.
    workers
        Threads.
    """

    def __init__(
        self, groups: Groups, stakes: Stakes, rng: np.random.Generator, workers: int
    ) -> None:
        self._groups, self._rng, self._workers = groups, rng, max(1, workers)
        self._bonus = _BONUS * stakes.leaving
        self._effort = _SEARCH
        self._need = np.ascontiguousarray(groups.arrays.demand)

    def deepen(self) -> bool:
        """Search longer from now on; False when it was longest."""
        if self._effort >= _MOST_SEARCH:
            return False
        self._effort *= _DEEPER
        return True

    def of_groups(
        self, prices: Prices, open_groups: Ints, most: Ints, variants: int = _MOST_VARIANTS
    ) -> tuple[Ints, Ints]:
        """Return fillings of nodes of groups, at the prices and at variants of them.

        Many columns a round save rounds, and what is nearly as good serves whole numbers.

        Parameters
        ----------
        prices
            Duals.
        open_groups
            Groups to fill.
        most
            (K,) items of each class that there are.
        variants
            Most variants beside the prices themselves.
        """
        groups, count, classes = self._groups, len(open_groups), len(most)
        rows = 1 + min(variants, _VARIANTS // max(1, count))
        worth = np.broadcast_to(np.maximum(prices.item, 0.0), (rows, count, classes)).copy()
        worth[1:] *= np.exp(self._rng.normal(0.0, _NOISE, (rows - 1, count, classes)))
        found = np.zeros(worth.shape, np.int64)
        room, open_to = groups.room[open_groups], groups.open_to[open_groups]
        limit = np.where(np.arange(rows) == 0, self._effort, _SEARCH)
        fill_groups(room, open_to, self._need, worth, most, limit, found)
        return found.reshape(-1, classes), np.tile(open_groups, rows)

    def of_kinds(self, prices: Prices) -> tuple[Ints, Ints]:
        """Return fillings of nodes of each kind, which keep what runs there as far as that pays."""
        kinds = np.arange(len(self._groups.kinds.count))
        found = np.zeros((len(kinds), len(prices.item)), np.int64)
        rows = list(self._shares(len(kinds)))
        with ThreadPoolExecutor(len(rows)) as pool:
            list(pool.map(lambda span: self._fill(prices, kinds[span], found[span]), rows))
        return found, kinds

    def _shares(self, count: int) -> Iterator[slice]:
        """Yield equal parts, one a worker."""
        ends = np.linspace(0, count, self._workers + 1).astype(int).tolist()
        yield from (slice(a, b) for a, b in pairwise(ends))

    def _fill(self, prices: Prices, kinds: Ints, found: Ints) -> None:
        groups = self._groups
        fill_nodes(
            groups.kinds.group[kinds],
            groups.room,
            groups.open_to,
            self._need,
            np.maximum(prices.item, 0.0),
            self._bonus,
            groups.size,
            groups.kinds.running[kinds],
            _SEARCH,
            found,
        )


def call_kernels() -> None:
    """Fill one node with one item, so that the kernels are compiled."""
    one, ones, worth = np.ones(1, np.int64), np.ones((1, 1), np.int64), np.ones(1)
    of, open_to, running = np.zeros(1, np.int64), np.ones((1, 1), bool), np.ones((1, 1), np.int64)
    fill_groups(ones, open_to, ones, np.ones((1, 1, 1)), one, one, np.zeros((1, 1, 1), np.int64))
    fill_nodes(of, ones, open_to, ones, worth, worth, one, running, 1, np.zeros_like(ones))
    first, home, cost, mean = np.array([0, 1]), one.copy(), np.zeros(1), np.zeros(1)
    find_homes(ones, of, first, one, running, worth, home, cost, mean)
