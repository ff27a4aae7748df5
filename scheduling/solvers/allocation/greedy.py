"""Solver ``greedy``: along the concave envelopes, steepest step first."""

from __future__ import annotations

import numpy as np

from scheduling.models.allocation.arrays import AllocationArrays, Ints
from scheduling.solvers.allocation.family import CompiledAllocation, offer
from scheduling.solvers.allocation.marginal import filled
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board


class Greedy(OnePass):
    """The solution of the linear program, rounded down, with the rest of the budget filled up.

    Steps of all claims along their envelopes are taken by falling gain per cost; a claim stops at
    the first step that does not fit. It loses at most the gain of one step against the bound, and
    nothing where gains are concave in steps of one unit.

    Source: Zemel, "The linear multiple choice knapsack problem", Operations Research 28, 1980.
    """

    name = "greedy"
    summary = "concave envelopes, steepest step first; best for concave gains in unit steps"

    def post(self, data: CompiledAllocation, board: Board[Ints]) -> None:
        """Post the one solution that the rule gives."""
        offer(data, board, filled(data.arrays, along_envelopes(data.arrays)), self.name)


def along_envelopes(arrays: AllocationArrays) -> Ints:
    """Take the steps that fit, each behind those of its claim before it."""
    steps, left = arrays.steps, arrays.budget - arrays.least
    levels = np.zeros(arrays.n_claims, np.int64)
    whole = int(np.searchsorted(np.cumsum(steps.cost), left, side="right"))
    # Steps of a claim are in the order of its levels, so the last one written is the highest.
    np.maximum.at(levels, steps.claim[:whole], steps.level[:whole])
    left -= int(steps.cost[:whole].sum())
    stopped: set[int] = set()
    rows = zip(
        steps.claim[whole:].tolist(),
        steps.level[whole:].tolist(),
        steps.cost[whole:].tolist(),
        strict=True,
    )
    for claim, level, cost in rows:
        if left == 0:
            break
        if claim in stopped:
            continue
        if cost > left:
            stopped.add(claim)
            continue
        levels[claim] = level
        left -= cost
    return levels
