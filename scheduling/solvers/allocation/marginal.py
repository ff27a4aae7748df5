"""Solver ``marginal``: the next level of the claim that gains most by it."""

from __future__ import annotations

import heapq

import numpy as np

from scheduling.models.allocation.arrays import AllocationArrays, Ints
from scheduling.solvers.allocation.family import CompiledAllocation, offer
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board


class Marginal(OnePass):
    """Marginal analysis: level after level where it gains most per cost.

    Best possible where gains are concave in unit steps (Fox, 1966). It never looks beyond the next
    level, so it stops before a level that gains nothing although one behind it would.
    """

    name = "marginal"
    summary = "marginal analysis: the next level that gains most per cost, one after the other"

    def post(self, data: CompiledAllocation, board: Board[Ints]) -> None:
        """Post the one solution that the rule gives."""
        start = np.zeros(data.arrays.n_claims, np.int64)
        offer(data, board, filled(data.arrays, start), self.name)


def filled(arrays: AllocationArrays, levels: Ints) -> Ints:
    """Raise levels one by one within the budget, by falling gain per cost, while they gain."""
    found = levels.copy()
    left = arrays.budget - arrays.spent(found)
    last = np.diff(arrays.start) - 1

    def entry(claim: int) -> tuple[float, int, int, int] | None:
        if found[claim] == last[claim]:
            return None
        at = int(arrays.start[claim] + found[claim])
        gain = int(arrays.gain[at + 1] - arrays.gain[at])
        cost = int(arrays.cost[at + 1] - arrays.cost[at])
        return None if gain <= 0 else (-gain / cost, claim, cost, gain)

    heap = [found_entry for claim in range(arrays.n_claims) if (found_entry := entry(claim))]
    heapq.heapify(heap)
    while heap and left > 0:
        _, claim, cost, _ = heapq.heappop(heap)
        # What does not fit now never does: what is left only falls.
        if cost > left:
            continue
        found[claim] += 1
        left -= cost
        following = entry(claim)
        if following is not None:
            heapq.heappush(heap, following)
    return found
