"""Solver ``dynamic-program``: the most gain for every part of the budget, claim after claim."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.models.allocation.arrays import AllocationArrays, Ints
from scheduling.solvers.allocation.family import CompiledAllocation, offer
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget

LARGEST_WORK = 2 * 10**9
"""Most pairs of a level and a part of the budget that are looked at."""

LARGEST_TABLE = 2 * 10**8
"""Most pairs of a claim and a part of the budget that are remembered."""

_NEVER = -(2**62)


class DynamicProgram(NeedsNothing):
    """Exact in time proportional to the levels times the budget, in the largest common unit.

    Source: Dudzinski and Walukiewicz, "Exact methods for the knapsack problem and its
    generalizations", European Journal of Operational Research 28, 1987.
    """

    name = "dynamic-program"
    summary = "dynamic program over parts of the budget: exact where the budget is short"

    def refusal(self, data: CompiledAllocation) -> str | None:
        """Refuse tables that would take too long or too much memory."""
        arrays = data.arrays
        _, parts = _units(arrays)
        work, table = arrays.n_levels * (parts + 1), arrays.n_claims * (parts + 1)
        if work > LARGEST_WORK or table > LARGEST_TABLE:
            return f"{parts} parts of the budget are too many; use auto"
        return None

    def search(
        self,
        data: CompiledAllocation,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002
    ) -> None:
        """Post the best allocation and its proof."""
        arrays = data.arrays
        unit, parts = _units(arrays)
        best = np.full(parts + 1, _NEVER, np.int64)
        best[0] = 0
        chosen = []
        for claim in range(arrays.n_claims):
            first, end = arrays.start[claim : claim + 2].tolist()
            costs = (arrays.cost[first:end] - arrays.cost[first]) // unit
            extended = _extended(
                best,
                costs,
                arrays.gain[first:end],
                lambda: board.stopped or budget.remaining() == 0,
            )
            if extended is None:
                return
            best, choice = extended
            chosen.append(choice)
        left = int(np.argmax(best))
        levels = np.zeros(arrays.n_claims, np.int64)
        for claim in reversed(range(arrays.n_claims)):
            level = int(chosen[claim][left])
            levels[claim] = level
            at = int(arrays.start[claim])
            left -= int(arrays.cost[at + level] - arrays.cost[at]) // unit
        offer(data, board, levels, self.name)
        if not board.stopped:
            board.raise_bound(-int(best.max()), self.name)


def _units(arrays: AllocationArrays) -> tuple[int, int]:
    """Return the largest unit of all costs above the lowest levels, and how many there are."""
    lowest = np.repeat(arrays.cost[arrays.start[:-1]], np.diff(arrays.start))
    above = arrays.cost - lowest
    unit = gcd(*above.tolist()) or 1
    most = int(above[arrays.start[1:] - 1].sum())
    return unit, max(0, min(arrays.budget - arrays.least, most)) // unit


def _extended(
    best: Ints, costs: Ints, gains: Ints, over: Callable[[], bool]
) -> tuple[Ints, NDArray[Any]] | None:
    """Return the most gain with one more claim for each part spent, and the level it takes.

    ``None`` when the time is over before that.
    """
    found = np.full(len(best), _NEVER, np.int64)
    kind: Any = np.int16 if len(costs) < 2**15 else np.int32
    choice: NDArray[Any] = np.zeros(len(best), kind)
    for level, (cost, gain) in enumerate(zip(costs.tolist(), gains.tolist(), strict=True)):
        if cost >= len(best):
            break
        if over():
            return None
        reached = best[: len(best) - cost]
        value = np.where(reached > _NEVER, reached + gain, _NEVER)
        better = value > found[cost:]
        found[cost:][better] = value[better]
        choice[cost:][better] = level
    return found, choice
