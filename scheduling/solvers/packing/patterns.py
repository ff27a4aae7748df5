"""Solver ``patterns``: chunks by the linear program of patterns, filled with what is nearest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.packing.arrays import Ints, PackingArrays
from scheduling.solvers.bases import TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.packing.best_fit import Rooms, best_fit
from scheduling.solvers.packing.family import CompiledPacking
from scheduling.solvers.registry import Availability, installed

if TYPE_CHECKING:
    from scheduling.solvers.packing.stock import CuttingStock

_UNITS = 8192
"""Most units that a chunk is counted in."""

_LEVELS = ((60, (128,)), (250, (2048, 1024, 512, 256, 128)))
"""Knots of a program, and the parts of a chunk that may stay free in its passes."""

_PER_KNOT = 30
"""Sequences for each knot when few are left."""

_PATTERNS_OF_WORK = 5000

_NONE = 1e-6
"""Share of a pattern up to which it counts as not taken."""


class Patterns(TakesAll):
    """Patterns of lengths, from few knots to many. One work unit is 5,000 patterns.

    Chunks are filled by the patterns of the program's optimum, each with the sequences that come
    nearest to its lengths, where they leave little free. What is left has a program of its own, and
    more may stay free, pass by pass; the last of it goes by best fit. In units rounded down no
    packing is lost: the program's bound holds.
    """

    name = "patterns"
    summary = "linear program of patterns (HiGHS), the rest by best fit: near the best for many"

    def availability(self) -> Availability:
        """Tell whether HiGHS is installed."""
        return installed("highspy", "HiGHS")

    def search(
        self, data: CompiledPacking, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Post packings and bounds of programs with more and more knots."""
        del hint
        start = best_fit(data.arrays)
        board.offer(start, data.values(start), self.name)
        run = _Run(data.arrays, board, budget)
        for knots, passes in _LEVELS:
            for place in run.level(knots, passes):
                board.offer(place, data.values(place), self.name)
            if run.stopped() or knots >= run.different:
                return


class _Run:
    """Programs of one search, and the patterns that they have found together."""

    def __init__(self, arrays: PackingArrays, board: Board[Ints], budget: Budget) -> None:
        self.arrays = arrays
        self.board = board
        self.budget = budget
        self.unit = -(-arrays.size // _UNITS)
        self.capacity = arrays.size // self.unit
        self.different = len(np.unique(arrays.length // self.unit))
        self.left = None if budget.work is None else int(_PATTERNS_OF_WORK * budget.work)

    def stopped(self) -> bool:
        """Tell whether the time is up or the packing is proven."""
        return self.board.stopped or self.budget.remaining() == 0

    def level(self, knots: int, passes: tuple[int, ...]) -> Iterator[Ints]:
        """Raise the bound, and yield the packing that the passes give."""
        filling = Filling(self.arrays)
        for number, part in enumerate(passes):
            left = filling.left
            some = max(2, min(knots, len(left) // _PER_KNOT)) if number else knots
            stock = self._solved(left, some, proves=not number)
            if stock is None:
                break
            if not number:
                self.board.raise_bound(self.arrays.own + stock.bound, Patterns.name)
            if self.stopped():
                break
            filling.fill(stock, self.unit, self.arrays.size // part, self.stopped)
        if filling.chunks:
            yield filling.completed()

    def _solved(self, lengths: Ints, knots: int, *, proves: bool) -> CuttingStock | None:
        from scheduling.solvers.packing.stock import CuttingStock

        counted = lengths // self.unit
        if self.stopped() or self.left == 0 or not counted.any():
            return None
        most = 10**9 if self.left is None else self.left
        kinds, counts = np.unique(counted[counted > 0], return_counts=True)
        stock = CuttingStock(kinds, counts, self.capacity, knots)
        stock.solve(most, self.stopped, proves=proves)
        if self.left is not None:
            self.left = max(0, self.left - len(stock.patterns))
        return stock


class Filling:
    """Chunks that are filled so far, as lengths, and the lengths that are left.

    Parameters
    ----------
    arrays
        The problem.
    """

    def __init__(self, arrays: PackingArrays) -> None:
        self.arrays = arrays
        kinds, counts = np.unique(arrays.length, return_counts=True)
        self._kinds: list[int] = kinds.tolist()
        self._count = dict(zip(self._kinds, counts.tolist(), strict=True))
        self.chunks: list[list[int]] = []

    @property
    def left(self) -> Ints:
        """Lengths that lie in no chunk, rising."""
        counts = [self._count[kind] for kind in self._kinds]
        return np.repeat(np.array(self._kinds, np.int64), counts)

    def fill(self, stock: CuttingStock, unit: int, free: int, stopped: Callable[[], bool]) -> None:
        """Fill chunks by patterns, those first that the program takes most often.

        Parameters
        ----------
        stock
            The program.
        unit
            What its lengths count.
        free
            Tokens that may stay free in a chunk.
        stopped
            Whether the time is over.
        """
        shares = stock.shares()
        for number in np.argsort(-shares, kind="stable").tolist():
            if stopped() or shares[number] <= _NONE:
                return
            wanted = [int(stock.lengths[kind]) * unit for kind in stock.patterns[number]]
            for _ in range(int(np.ceil(shares[number] - _NONE))):
                if not self._chunk(sorted(wanted, reverse=True), free):
                    break

    def _chunk(self, wanted: list[int], free: int) -> bool:
        """Fill a chunk: by what is nearest to each length, last by the longest that fits."""
        room = self.arrays.size
        taken: list[int] = []
        for number, length in enumerate(wanted):
            last = number == len(wanted) - 1
            place = bisect_right(self._kinds, room) - 1 if last else self._nearest(length)
            if place < 0 or self._kinds[place] > room:
                break
            taken.append(self._take(place))
            room -= taken[-1]
        if taken and room <= free:
            self.chunks.append(taken)
            return True
        for length in taken:
            self._count[length] += 1
            if self._count[length] == 1:
                insort(self._kinds, length)
        return False

    def _take(self, place: int) -> int:
        length = self._kinds[place]
        self._count[length] -= 1
        if not self._count[length]:
            del self._kinds[place]
        return length

    def _nearest(self, length: int) -> int:
        """Return the place of the length that is left and nearest; -1 when none is left."""
        place = min(bisect_left(self._kinds, length), len(self._kinds) - 1)
        if place > 0 and length - self._kinds[place - 1] < abs(self._kinds[place] - length):
            place -= 1
        return place

    def completed(self) -> Ints:
        """Return the chunk of each sequence, what is left by best fit."""
        rooms = Rooms(self.arrays.size)
        chunks: dict[int, list[int]] = defaultdict(list)
        for held in self.chunks:
            number = rooms.open(sum(held))
            for length in held:
                chunks[length].append(number)
        for length in self.left[::-1].tolist():
            chunks[length].append(rooms.place(length))
        return np.array([chunks[length].pop() for length in self.arrays.length.tolist()], np.int64)
