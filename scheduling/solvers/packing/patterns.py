"""Solver ``patterns``: chunks by the linear program of patterns of rounded lengths."""

from __future__ import annotations

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

_STEPS = 256
"""Steps that a chunk's size is counted in."""

_ROUNDS = 2000
_ROUNDS_OF_WORK = 500


class Patterns(TakesAll):
    """Patterns of lengths that are counted in steps of a chunk. One work unit is 500 patterns.

    Rounded up, what fits in steps fits in tokens: whole patterns of the linear program's optimum
    are filled, and what is left goes by best fit. Rounded down, no packing is lost: the program's
    bound holds.
    """

    name = "patterns"
    summary = "linear program of patterns (HiGHS), the rest by best fit: near the best for many"

    def availability(self) -> Availability:
        """Tell whether HiGHS is installed."""
        return installed("highspy", "HiGHS")

    def search(
        self, data: CompiledPacking, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Post a packing by rounded patterns, then a bound by those rounded the other way."""
        del hint
        from scheduling.solvers.packing.stock import CuttingStock

        arrays = data.arrays
        start = best_fit(arrays)
        board.offer(start, data.values(start), self.name)
        most = _ROUNDS if budget.work is None else int(_ROUNDS_OF_WORK * budget.work)
        rounds = min(max(1, most), _ROUNDS)

        def stopped() -> bool:
            return board.stopped or budget.remaining() == 0

        step = -(-arrays.size // _STEPS)
        capacity = arrays.size // step
        up, down = -(-arrays.length // step), arrays.length // step
        # What is as long as a chunk but for part of a step goes by best fit.
        if not stopped() and (up <= capacity).any():
            stock = CuttingStock(*np.unique(up[up <= capacity], return_counts=True), capacity)
            stock.solve(rounds, stopped)
            whole = np.floor(stock.shares() + 1e-6).astype(np.int64)
            found = filled(arrays, up, stock, whole)
            board.offer(found, data.values(found), self.name)
        if not stopped() and down.any():
            stock = CuttingStock(*np.unique(down[down > 0], return_counts=True), capacity)
            stock.solve(rounds, stopped)
            board.raise_bound(arrays.own + stock.bound, self.name)


def filled(arrays: PackingArrays, steps: Ints, stock: CuttingStock, whole: Ints) -> Ints:
    """Return the chunk of each sequence when whole patterns are filled, the longest first.

    Parameters
    ----------
    arrays
        The problem.
    steps
        Length of each sequence in the steps of the patterns.
    stock
        The patterns.
    whole
        How often each is taken.
    """
    waiting = {
        length: np.flatnonzero(steps == length)[::-1].tolist() for length in stock.lengths.tolist()
    }
    rooms = Rooms(arrays.size)
    place = np.full(len(arrays.length), -1, np.int64)
    for pattern, times in zip(stock.patterns, whole.tolist(), strict=True):
        kinds = np.flatnonzero(pattern).tolist()
        for _ in range(times):
            joined = []
            for kind in kinds:
                left = waiting[int(stock.lengths[kind])]
                joined += [left.pop() for _ in range(min(len(left), int(pattern[kind])))]
            if joined:
                place[joined] = rooms.open(int(arrays.length[joined].sum()))
    for row in np.flatnonzero(place < 0).tolist():
        place[row] = rooms.place(int(arrays.length[row]))
    return place
