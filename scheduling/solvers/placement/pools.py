"""Pools of equal nodes, and linear programs over the number of items of a class in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays

LARGEST_CELLS = 200_000
"""Most pairs of class and pool that a linear program may have."""


@dataclass(frozen=True, eq=False)
class Pools:
    """Nodes of equal capacity that the same classes may use.

    Attributes
    ----------
    arrays
        The problem.
    of
        Pool of each node, (m,).
    count
        Nodes of each pool, (T,).
    room
        Capacity of one node of each pool, (T, R).
    usable
        Whether items of a class may be put on a pool's nodes or run there, (K, T).
    """

    arrays: PlacementArrays
    of: Ints
    count: Ints
    room: Ints
    usable: Flags

    @classmethod
    def of_nodes(cls, arrays: PlacementArrays) -> Pools:
        """Find the pools of a problem."""
        usable = arrays.usable
        keys = np.hstack([arrays.capacity, np.packbits(usable, axis=0).T.astype(np.int64)])
        _, first, of, count = np.unique(
            keys, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(
            arrays, of.reshape(-1), count, arrays.capacity[first], usable[:, first].astype(bool)
        )

    @cached_property
    def running(self) -> Ints:
        """Items of each class that run in each pool, (K, T)."""
        return self._sums(self.arrays.running)

    @cached_property
    def held(self) -> Ints:
        """Items of each class that must stay in each pool, (K, T)."""
        return self._sums(self.arrays.held)

    def _sums(self, counts: Ints) -> Ints:
        order = np.argsort(self.of, kind="stable")
        starts = np.cumsum(self.count) - self.count
        found: Ints = np.add.reduceat(counts[:, order], starts, axis=1)
        return found

    def nodes(self, pool: int) -> Ints:
        """Nodes of a pool."""
        return np.flatnonzero(self.of == pool)

    def most(self, k: Ints, pool: Ints) -> Ints:
        """Most items of classes ``k`` that the nodes of ``pool`` hold, if nothing else is there."""
        arrays = self.arrays
        size = arrays.size()[k]
        fits = size.copy()
        for column in range(arrays.demand.shape[1]):
            need = arrays.demand[k, column]
            alone = self.room[pool, column] // np.maximum(need, 1)
            fits = np.where(need > 0, np.minimum(fits, alone), fits)
        found: Ints = np.minimum(size, fits * self.count[pool])
        return found
