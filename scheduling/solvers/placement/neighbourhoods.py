"""Which nodes large neighbourhood search frees together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.goals import strain

Floats = NDArray[np.float64]

_TO_ITEM = 0.3
"""Share of the draws that go around one unplaced item."""

_FLOOR = 0.01


class Neighbourhoods:
    """Draws of a few nodes that have something to give each other.

    While items are unplaced: nodes that lack little for one of them, or nodes of which some have
    one resource left over and the others another one. Once the placement is to be calmed: a node
    that an item has left and one that it went to. For wishes: a node where one is not met and one
    that would meet it. For balance, spread and interference: nodes that add most to it beside any.
    With other goals: nearly empty nodes beside any.

    Parameters
    ----------
    arrays
        The problem.
    rng
        Source of the draws.
    """

    def __init__(self, arrays: PlacementArrays, rng: np.random.Generator) -> None:
        self._arrays, self._rng = arrays, rng
        self._capacity = np.maximum(arrays.capacity, 1)
        self._size = arrays.size()

    def draw(self, counts: Ints, tier: int, size: int) -> Ints:
        """Draw at most ``size`` nodes for a tier of a placement given as numbers, (K, m)."""
        arrays, rng = self._arrays, self._rng
        free = arrays.capacity - counts.T @ arrays.demand
        missing = self._size - counts.sum(axis=1)
        if tier < arrays.n_priorities:
            wanted = np.flatnonzero((missing > 0) & (arrays.tier >= tier))
            if wanted.size and rng.random() < _TO_ITEM:
                first = wanted[arrays.tier[wanted] == arrays.tier[wanted].min()]
                return self._around(int(rng.choice(first)), free, size)
            return self._complements(free, size)
        if arrays.goals[tier - arrays.n_priorities] in ("evictions", "moves"):
            return self._disturbed(counts, free, size)
        if arrays.goals[tier - arrays.n_priorities] == "preferences":
            return self._wished(counts, size)
        if arrays.goals[tier - arrays.n_priorities] in ("balance", "interference", "spread"):
            return self._strained(counts, arrays.goals[tier - arrays.n_priorities], size)
        return self._emptied(free, size)

    def _take(self, weight: Floats, size: int) -> Ints:
        size = min(size, int(np.count_nonzero(weight)))
        if size <= 0:
            return np.zeros(0, np.int64)
        share = weight / weight.sum()
        drawn: Ints = self._rng.choice(len(weight), size=size, replace=False, p=share)
        return drawn

    def _around(self, k: int, free: Ints, size: int) -> Ints:
        """Half of the nodes lack little for an item of class k; the others have something left."""
        arrays = self._arrays
        used = arrays.demand[k] > 0
        need = arrays.demand[k, used]
        lacking = (np.maximum(need - free[:, used], 0) / need).sum(axis=1)
        weight = np.where(arrays.reachable[k], 1.0 / (0.05 + lacking) ** 2, 0.0)
        near = self._take(weight, max(1, size - size // 2))
        left = (free / self._capacity).clip(0.0, 1.0).sum(axis=1) + _FLOOR
        return np.union1d(near, self._take(left, size - len(near)))

    def _complements(self, free: Ints, size: int) -> Ints:
        """Half of the nodes have more of one scarce resource left over, the others of another."""
        width = free.shape[1]
        share = (free / self._capacity).clip(0.0, 1.0)
        if width < 2:
            return self._take(share.sum(axis=1) + _FLOOR, size)
        scarce = 1.0 / (_FLOOR + free.clip(0).sum(axis=0) / self._capacity.sum(axis=0)) ** 2
        chance = scarce / scarce.sum()
        one, other = self._rng.choice(width, size=2, replace=False, p=chance)
        surplus = share[:, one] - share[:, other]
        first = self._take(np.maximum(surplus, 0.0) + _FLOOR, max(1, size - size // 2))
        second = self._take(np.maximum(-surplus, 0.0) + _FLOOR, max(1, size // 2))
        return np.union1d(first, second)

    def _disturbed(self, counts: Ints, free: Ints, size: int) -> Ints:
        """Draw a node that items have left, one that took some of their class, and others."""
        arrays, rng = self._arrays, self._rng
        gone = arrays.running - counts
        classes, nodes = np.nonzero(gone > 0)
        left = (free / self._capacity).clip(0.0, 1.0).sum(axis=1) + _FLOOR
        if not classes.size:
            return self._take(left, size)
        chosen = int(rng.integers(len(classes)))
        k, home = int(classes[chosen]), int(nodes[chosen])
        hosts = np.flatnonzero(gone[k] < 0)
        near = [home, int(rng.choice(hosts))] if hosts.size else [home]
        return np.union1d(near, self._take(left, max(0, size - len(near))))

    def _wished(self, counts: Ints, size: int) -> Ints:
        """Draw a node on which a wish is not met, one that would meet it, and any others."""
        arrays, rng, cost = self._arrays, self._rng, self._arrays.aims.wish_cost
        others = np.ones(arrays.n_nodes)
        if cost is None:
            return self._take(others, size)
        least = np.where(arrays.reachable, cost, cost.max()).min(axis=1)
        lost = counts * np.maximum(cost - least[:, None], 0)
        cell = self._take(lost.ravel().astype(float), 1)
        if not cell.size:
            return self._take(others, size)
        k, here = divmod(int(cell[0]), arrays.n_nodes)
        better = np.flatnonzero(arrays.reachable[k] & (cost[k] < cost[k, here]))
        near = [here, int(rng.choice(better))] if better.size else [here]
        return np.union1d(near, self._take(others, max(0, size - len(near))))

    def _strained(self, counts: Ints, goal: str, size: int) -> Ints:
        """Draw nodes that add most to a goal, and any others."""
        near = self._take(strain(self._arrays, goal, counts), max(1, size // 2))
        return np.union1d(near, self._take(np.ones(self._arrays.n_nodes), size - len(near)))

    def _emptied(self, free: Ints, size: int) -> Ints:
        """Draw a node that is nearly empty, and any others."""
        used = (1.0 - free / self._capacity).clip(0.0, 1.0).max(axis=1, initial=0.0)
        first = self._take(np.where(used > 0, 1.0 / (0.05 + used), 0.0), 1)
        return np.union1d(first, self._take(np.ones(len(used)), size - len(first)))
