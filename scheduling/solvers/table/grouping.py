"""Solvers that group rows: the greedy group recursion, one order of fields for all rows, none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.table.arrays import Ints, Line, Lines, TableArrays
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable, offer


class AsIs(OnePass):
    """Rows and fields in the order of the table."""

    name = "as-is"
    summary = "rows and fields in the order of the table"

    def post(self, data: CompiledTable, board: Board[Lines]) -> None:
        """Post the table itself."""
        rows, count = data.arrays.value.shape
        fields = tuple(range(count))
        offer(data, board, tuple(Line(row, fields) for row in range(rows)), self.name)


class Sorted(OnePass):
    """One order of the fields for all rows, those first that save most alone; rows sorted by it."""

    name = "sorted"
    summary = "one order of the fields, rows sorted by it"

    def post(self, data: CompiledTable, board: Board[Lines]) -> None:
        """Post the sorted table."""
        offer(data, board, sorted_lines(data.arrays), self.name)


def sorted_lines(arrays: TableArrays) -> Lines:
    """Return the rows sorted by fields, those first that save most when they lead."""
    gains = [_repeated(arrays, np.arange(len(arrays.value)), f)[0].sum() for f in _fields(arrays)]
    fields = tuple(np.argsort(-np.array(gains), kind="stable").tolist())
    order = np.lexsort([arrays.value[:, field] for field in reversed(fields)])
    return tuple(Line(row, fields) for row in order.tolist())


class GroupRecursion(NeedsNothing, TakesAll):
    """Take the text that saves most by grouping, then go on in the group and beside it (GGR).

    Out of time, the rows that are left follow as they are. Source: Liu and others, "Optimizing LLM
    queries in relational data analytics workloads", MLSys 2025.
    """

    name = "group-recursion"
    summary = "greedy group recursion: the text that saves most, in its group and beside it"

    def search(
        self,
        data: CompiledTable,
        board: Board[Lines],
        budget: Budget,
        hint: Lines | None,  # noqa: ARG002
    ) -> None:
        """Post the order that it gives."""
        lines = grouped(data.arrays, lambda: board.stopped or budget.remaining() == 0)
        offer(data, board, lines, self.name)


def grouped(arrays: TableArrays, stops: Callable[[], bool] = lambda: False) -> Lines:
    """Order a table by the greedy group recursion.

    Parameters
    ----------
    arrays
        The table.
    stops
        Whether the time is over.
    """
    found: list[Line] = []
    everything = np.arange(len(arrays.value))
    every_field = tuple(_fields(arrays))
    open_parts: list[tuple[Ints, tuple[int, ...], tuple[int, ...]]] = [
        (everything, (), every_field)
    ]
    while open_parts:
        rows, ahead, left = open_parts.pop()
        best = None if stops() else _most_repeated(arrays, rows, left)
        if best is None:
            found += [Line(row, (*ahead, *left)) for row in rows.tolist()]
            continue
        field, value = best
        inside = arrays.value[rows, field] == value
        others = tuple(other for other in left if other != field)
        if not inside.all():
            open_parts.append((rows[~inside], ahead, left))
        open_parts.append((rows[inside], (*ahead, field), others))
    return tuple(found)


def _fields(arrays: TableArrays) -> range:
    return range(arrays.value.shape[1])


def _repeated(arrays: TableArrays, rows: Ints, field: int) -> tuple[Ints, Ints]:
    """Return what each text of a field saves in a group of its rows, and the texts."""
    texts, first, count = np.unique(
        arrays.value[rows, field], return_index=True, return_counts=True
    )
    return arrays.weight[rows[first], field] * (count - 1), texts


def _most_repeated(
    arrays: TableArrays, rows: Ints, fields: tuple[int, ...]
) -> tuple[int, int] | None:
    """Return the field and text that save most; ``None`` when none is there twice."""
    best, found = 0, None
    for field in fields:
        saves, texts = _repeated(arrays, rows, field)
        place = int(saves.argmax())
        if saves[place] > best:
            best, found = int(saves[place]), (field, int(texts[place]))
    return found
