"""Solver ``dynamic-program``: over sets of rows and last lines: exact for small tables."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from scheduling.models.table.arrays import Ints, Line, Lines, TableArrays
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable, offer

LARGEST_ROWS, LARGEST_FIELDS = 10, 4


class DynamicProgram(NeedsNothing):
    """The most that each set of rows saves with each line as its last: exact."""

    name = "dynamic-program"
    summary = f"all orders of up to {LARGEST_ROWS} rows and {LARGEST_FIELDS} fields: exact"

    def refusal(self, data: CompiledTable) -> str | None:
        """Refuse tables with too many orders."""
        rows, fields = data.arrays.value.shape
        if rows > LARGEST_ROWS or fields > LARGEST_FIELDS:
            return f"{rows} rows and {fields} fields are too many to try all orders; use auto"
        return None

    def search(
        self,
        data: CompiledTable,
        board: Board[Lines],
        budget: Budget,
        hint: Lines | None,  # noqa: ARG002
    ) -> None:
        """Post the best lines and that they are best."""
        lines = _best(data.arrays, board, budget)
        if lines is not None:
            offer(data, board, lines, self.name)
            board.raise_bound(-data.arrays.saved(lines), self.name)


def _best(arrays: TableArrays, board: Board[Lines], budget: Budget) -> Lines | None:
    """Return lines that save most; ``None`` when the time is up."""
    rows, fields = arrays.value.shape
    orders = list(permutations(range(fields)))
    lines = [Line(row, order) for row in range(rows) for order in orders]
    width, all_rows = len(orders), (1 << rows) - 1
    gain = _gains(arrays, lines)
    # The most that a set of rows saves behind each line that came last before them.
    most = {0: np.zeros(len(lines), np.int64)}
    for chosen in range(1, all_rows + 1):
        if board.stopped or budget.remaining() == 0:
            return None
        best = np.full(len(lines), -1, np.int64)
        for row in range(rows):
            if chosen >> row & 1:
                span = slice(row * width, (row + 1) * width)
                ahead = gain[:, span] + most[chosen ^ 1 << row][span]
                np.maximum(best, ahead.max(axis=1), out=best)
        most[chosen] = best
    return _traced(lines, gain, most, width)


def _gains(arrays: TableArrays, lines: list[Line]) -> Ints:
    return np.array([[arrays.saved((first, then)) for then in lines] for first in lines], np.int64)


def _traced(lines: list[Line], gain: Ints, most: dict[int, Ints], width: int) -> Lines:
    """Follow the best choices from the first line on."""
    left = max(most)
    rows = left.bit_length()

    def rest(line: int) -> int:
        return int(most[left ^ 1 << line // width][line])

    line = max(range(len(lines)), key=rest)
    found = [line]
    left ^= 1 << line // width
    while left:
        ahead = [
            k
            for row in range(rows)
            if left >> row & 1
            for k in range(row * width, (row + 1) * width)
        ]
        before = line
        line = max(ahead, key=lambda k: int(gain[before, k]) + rest(k))
        found.append(line)
        left ^= 1 << line // width
    return tuple(lines[k] for k in found)
