"""The linear program of packing patterns, whose columns a knapsack finds as they are needed.

Sequences of equal length count together. A pattern says how many of each length a chunk holds; the
fewest chunks by fractions of patterns are a bound, and the program's prices prove one in integers:
when no chunk holds more than a price of 1, all sequences need as many chunks as their prices sum to
(Gilmore and Gomory, 1961; Farley, 1990).
"""

from __future__ import annotations

from collections.abc import Callable

import highspy
import numpy as np
from numpy.typing import NDArray

from scheduling.models.packing.arrays import Ints
from scheduling.solvers.linear.highs import demand

_SCALE = 10**6
"""Prices are integers of this denominator, rounded down, so that what they prove is exact."""


class CuttingStock:
    """Patterns and the linear program that chooses among them.

    Parameters
    ----------
    lengths
        Different lengths, at most the capacity and at least 1.
    counts
        Sequences of each.
    capacity
        What a chunk holds.

    Attributes
    ----------
    bound
        Chunks that are needed at least, by the prices seen so far.
    """

    def __init__(self, lengths: Ints, counts: Ints, capacity: int) -> None:
        self.lengths = lengths
        self.counts = counts
        self.capacity = capacity
        self.bound = 0
        self.patterns: list[Ints] = []
        self._highs = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
            demand(self._highs.setOptionValue(name, value), f"set {name}")
        empty = np.zeros(0)
        for count in counts.tolist():
            row = self._highs.addRow(
                float(count), highspy.kHighsInf, 0, empty.astype(np.int32), empty
            )
            demand(row, "take a row")
        for place, length in enumerate(lengths.tolist()):
            pattern = np.zeros(len(lengths), np.int64)
            pattern[place] = capacity // length
            self._add(pattern)

    def solve(self, rounds: int, stopped: Callable[[], bool]) -> None:
        """Add the pattern of highest price until none is above 1, or the rounds are over."""
        for _ in range(rounds):
            if stopped():
                return
            demand(self._highs.run(), "solve the program of patterns")
            duals = np.array(self._highs.getSolution().row_dual)
            prices = np.floor(np.maximum(duals, 0.0) * _SCALE).astype(np.int64)
            worth, pattern = best_pattern(self.lengths, prices, self.capacity)
            if worth:
                self.bound = max(self.bound, -(-int(prices @ self.counts) // worth))
            # The engine's prices are right within its tolerance only.
            if worth <= _SCALE + len(self.lengths):
                return
            self._add(pattern)

    def shares(self) -> NDArray[np.float64]:
        """Return how often the program takes each pattern."""
        demand(self._highs.run(), "solve the program of patterns")
        return np.array(self._highs.getSolution().col_value)

    def _add(self, pattern: Ints) -> None:
        rows = np.flatnonzero(pattern)
        column = self._highs.addCol(
            1.0,
            0.0,
            highspy.kHighsInf,
            len(rows),
            rows.astype(np.int32),
            pattern[rows].astype(np.float64),
        )
        demand(column, "take a pattern")
        self.patterns.append(pattern)


def best_pattern(lengths: Ints, prices: Ints, capacity: int) -> tuple[int, Ints]:
    """Return the highest sum of prices that a chunk holds, and its pattern.

    The dynamic program of the knapsack, with as many of a length as one likes.

    Parameters
    ----------
    lengths, prices
        Of each kind of sequence.
    capacity
        What a chunk holds.
    """
    worth = np.zeros(capacity + 1, np.int64)
    taken = np.full(capacity + 1, -1)
    for room in range(1, capacity + 1):
        fits = lengths <= room
        sums = np.where(fits, worth[np.maximum(room - lengths, 0)] + prices, -1)
        kind = int(sums.argmax())
        worth[room] = worth[room - 1]
        if sums[kind] > worth[room]:
            worth[room], taken[room] = sums[kind], kind
    pattern = np.zeros(len(lengths), np.int64)
    room = capacity
    while room > 0:
        kind = int(taken[room])
        if kind < 0:
            room -= 1
            continue
        pattern[kind] += 1
        room -= int(lengths[kind])
    return int(worth[capacity]), pattern
