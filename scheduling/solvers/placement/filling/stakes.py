"""What an item that finds no place, is evicted or leaves its node costs in the linear program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import PlacementArrays

Floats = NDArray[np.float64]

_RATIO = 100.0
"""Items of a priority that count as much as one of the next higher priority."""

_AHEAD = 2
"""Tiers behind the present one that count in full."""

_BEYOND = 0.1
_EVICTION, _MOVE = 0.02, 0.004


@dataclass(frozen=True, eq=False)
class Stakes:
    """Costs by class, all (K,).

    The orders of magnitude stand for the order of the tiers: large enough to decide in their order
    nearly always, small enough for the arithmetic.

    Attributes
    ----------
    waiting : an item that stands nowhere.
    evicted : in addition where it ran.
    leaving : an item that leaves its node, moved or evicted.
    """

    waiting: Floats
    evicted: Floats
    leaving: Floats

    @classmethod
    def of_tier(cls, arrays: PlacementArrays, tier: int) -> Stakes:
        """Weigh the goals for the search of a tier of unplaced items."""
        last = min(tier + _AHEAD, arrays.n_priorities - 1)
        levels = np.clip(last - arrays.tier, 0, last - tier + 1)
        waiting = np.where(arrays.tier > last, _BEYOND, _RATIO ** levels.astype(float))
        return cls(
            waiting=waiting,
            evicted=_EVICTION * _relative(arrays, "evictions", arrays.eviction_cost),
            leaving=_MOVE * _relative(arrays, "moves", arrays.move_cost),
        )


def _relative(arrays: PlacementArrays, goal: str, cost: NDArray[np.int64]) -> Floats:
    """Return costs in relation to their mean over all that runs; 0 without the goal."""
    total = int(cost @ arrays.running.sum(axis=1))
    if goal not in arrays.goals or total == 0:
        return np.zeros(len(cost))
    found: Floats = cost.astype(float) * (int(arrays.running.sum()) / total)
    return found
