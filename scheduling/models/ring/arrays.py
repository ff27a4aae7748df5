"""Rings as tables of levels, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from scheduling.models.exact import whole
from scheduling.models.ring.problem import RingProblem

Levels = NDArray[np.int64]
Order = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RingArrays:
    """Rates by their position among all that differ.

    Attributes
    ----------
    level
        From each node to each, counted from the slowest; -1 on the diagonal.
    rates
        Rate of each level, in ``unit``.
    unit
        What the rates are multiples of.
    """

    level: Levels
    rates: list[int]
    unit: Fraction

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.level)

    def slowest(self, order: Order) -> int:
        """Return the level of a ring's slowest link."""
        at = np.array(order)
        return int(self.level[at, np.roll(at, -1)].min())


def compile_ring(problem: RingProblem) -> RingArrays:
    """Translate a problem into levels."""
    table = np.array(problem.rates)
    apart = ~np.eye(len(table), dtype=bool)
    found, place = np.unique(table[apart], return_inverse=True)
    level = np.full(table.shape, -1, np.int64)
    level[apart] = place
    rates, unit = whole(found.tolist())
    return RingArrays(level, rates, unit)
