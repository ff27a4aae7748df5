"""The linear program of packing patterns, whose columns a knapsack finds as they are needed.

A pattern is what a chunk may hold. The fewest chunks by fractions of patterns are a bound, and the
program's prices prove one in integers: when no chunk holds more than a price of 1, all sequences
need as many chunks as their prices sum to (Gilmore and Gomory, 1961; Farley, 1990). Of many
different lengths only some, the knots, have prices of their own, and those between lie on the lines
between them: the program has a row for each knot, and what its prices prove of all lengths is a
bound all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import highspy
import numpy as np
from numpy.typing import NDArray

from scheduling.models.packing.arrays import Ints
from scheduling.solvers.linear.highs import demand

Floats = NDArray[np.float64]

_SCALE = 10**9
"""Prices are integers of this denominator, rounded down, so that what they prove is exact."""

_WORTH_IT = _SCALE + _SCALE // 10**6
"""Price of a pattern above which it is one to add: the engine's are right within a tolerance."""

_AT_ONCE = 40
"""Most patterns that one set of prices brings."""

_NEAR = 1e-4
"""Share of the program's value by which it may be above what is proven when it ends."""


class CuttingStock:
    """Patterns and the linear program that chooses among them.

    Parameters
    ----------
    lengths
        Different lengths, rising, at most the capacity and at least 1.
    counts
        Sequences of each.
    capacity
        What a chunk holds.
    knots
        Most lengths that have prices of their own.

    Attributes
    ----------
    bound
        Chunks that are needed at least, by the prices of all lengths seen so far.
    patterns
        Lengths in each pattern, by their place.
    """

    def __init__(self, lengths: Ints, counts: Ints, capacity: int, knots: int) -> None:
        self.lengths = lengths
        self.counts = counts
        self.capacity = capacity
        self.bound = 0
        self.patterns: list[tuple[int, ...]] = []
        self._known: set[tuple[int, ...]] = set()
        self._knots = _spread(counts, knots)
        self._below = np.maximum(np.searchsorted(self._knots, np.arange(len(lengths)), "right"), 1)
        self._below = np.minimum(self._below - 1, max(0, len(self._knots) - 2))
        self._above = np.minimum(self._below + 1, len(self._knots) - 1)
        ends = lengths[self._knots]
        width = np.maximum(1, ends[self._above] - ends[self._below])
        self._share = (lengths - ends[self._below]) / width
        self._highs = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
            demand(self._highs.setOptionValue(name, value), f"set {name}")
        empty = np.zeros(0)
        for count in self._on_knots(np.arange(len(lengths)), counts).tolist():
            row = self._highs.addRow(count, highspy.kHighsInf, 0, empty.astype(np.int32), empty)
            demand(row, "take a row")
        for knot in self._knots.tolist():
            self._add((knot,) * (capacity // int(lengths[knot])))

    def solve(self, most: int, stopped: Callable[[], bool], *, proves: bool = True) -> None:
        """Add patterns of high prices until none is above 1, or the limits are reached.

        Parameters
        ----------
        most
            Patterns at which it ends.
        stopped
            Whether the time is over.
        proves
            Whether patterns of all lengths follow those of the knots alone, and prove the bound.
        """
        self._search(self._knots, most, stopped)
        if proves:
            self._search(np.arange(len(self.lengths)), most, stopped)

    def shares(self) -> Floats:
        """Return how often the program takes each pattern."""
        demand(self._highs.run(), "solve the program of patterns")
        return np.array(self._highs.getSolution().col_value)

    def _search(self, places: Ints, most: int, stopped: Callable[[], bool]) -> None:
        """Add patterns of the lengths at some places."""
        every = len(places) == len(self.lengths)
        proven = 0.0
        while len(self.patterns) < most and not stopped():
            demand(self._highs.run(), "solve the program of patterns")
            prices = self._prices()
            worth = worths(self.lengths[places], prices[places], self.capacity)
            if not worth[-1]:
                return
            if every:
                self.bound = max(self.bound, -(-int(prices @ self.counts) // int(worth[-1])))
            proven = max(proven, float(prices @ self.counts) / int(worth[-1]))
            value = self._highs.getInfo().objective_function_value
            if value - proven <= _NEAR * value or not self._add_best(places, prices, worth):
                return

    def _prices(self) -> Ints:
        """Return a price for each length, rounded down."""
        duals = np.maximum(np.array(self._highs.getSolution().row_dual), 0.0)
        along = (1.0 - self._share) * duals[self._below] + self._share * duals[self._above]
        return np.asarray(np.floor(along * _SCALE), np.int64)

    def _add_best(self, places: Ints, prices: Ints, worth: Ints) -> bool:
        """Add the best pattern with each length, as far as they are worth it; one per knot."""
        lengths, prices = self.lengths[places], prices[places]
        best = prices + worth[self.capacity - lengths]
        found: set[int] = set()
        more = False
        for place in np.argsort(-best, kind="stable").tolist():
            knot = int(self._below[places[place]])
            if best[place] <= _WORTH_IT or len(found) == _AT_ONCE:
                break
            if knot in found:
                continue
            found.add(knot)
            rest = richest(lengths, prices, worth, self.capacity - int(lengths[place]))
            pattern = tuple(sorted(places[[place, *rest]].tolist()))
            more = self._add(pattern) or more
        return more

    def _on_knots(self, places: Ints, times: Ints) -> Floats:
        """Count lengths on the knots around them, in the shares in which they lie between."""
        share, size = self._share[places], len(self._knots)
        below = np.bincount(self._below[places], times * (1.0 - share), size)
        return np.asarray(below + np.bincount(self._above[places], times * share, size))

    def _add(self, pattern: tuple[int, ...]) -> bool:
        """Add a pattern; tell whether it is new."""
        if pattern in self._known:
            return False
        self._known.add(pattern)
        held = self._on_knots(np.array(pattern, np.int64), np.ones(len(pattern), np.int64))
        rows = np.flatnonzero(held)
        column = self._highs.addCol(
            1.0, 0.0, highspy.kHighsInf, len(rows), rows.astype(np.int32), held[rows]
        )
        demand(column, "take a pattern")
        self.patterns.append(pattern)
        return True


def _spread(counts: Ints, knots: int) -> Ints:
    """Return places of lengths between which there are about as many sequences each."""
    before = np.cumsum(counts)
    wanted = np.linspace(0, before[-1], max(1, knots - 1), endpoint=False)
    inside = np.searchsorted(before, wanted, side="right")
    return np.unique(np.append(inside, len(counts) - 1))


def worths(lengths: Ints, prices: Ints, capacity: int) -> Ints:
    """Return the highest sum of prices that each room up to the capacity holds.

    The dynamic program of the knapsack, with as many of a length as one likes: once none or one of
    it, then none or two more, four more and so on.

    Parameters
    ----------
    lengths, prices
        Of each kind of sequence.
    capacity
        What a chunk holds.
    """
    worth = np.zeros(capacity + 1, np.int64)
    for length, price in zip(lengths.tolist(), prices.tolist(), strict=True):
        times = 1
        while price and times * length <= capacity:
            behind = worth[times * length :]
            np.maximum(behind, worth[: len(behind)] + times * price, out=behind)
            times *= 2
    return worth


def richest(lengths: Ints, prices: Ints, worth: Ints, room: int) -> list[int]:
    """Return kinds of sequences, with repeats, that bring a room's highest sum of prices.

    Parameters
    ----------
    lengths, prices
        Of each kind of sequence.
    worth
        The highest sums of all rooms.
    room
        What they share.
    """
    found = []
    while worth[room]:
        fits = np.flatnonzero(lengths <= room)
        rest = worth[room - lengths[fits]] + prices[fits]
        kind = int(fits[rest.argmax()])
        found.append(kind)
        room -= int(lengths[kind])
    return found
