"""Solvers that group rows: the greedy group recursion, one order of fields for all rows, none."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heapreplace

import numpy as np

from scheduling.models.table.arrays import Ints, Line, Lines, TableArrays
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable, offer

_PAIR = 2
"""Fewest rows with something to share."""


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
    every_field = tuple(_fields(arrays))
    open_parts: list[tuple[Ints, tuple[int, ...], tuple[int, ...]]] = [
        (np.arange(len(arrays.value)), (), every_field)
    ]
    while open_parts:
        rows, ahead, left = open_parts.pop()
        common, groups, others = _groups(arrays, rows, left, stops)
        ahead, left = ahead + common, tuple(field for field in left if field not in common)
        if groups:
            # No text of the others is there twice.
            open_parts.append((others, ahead, ()))
            for field, inside in reversed(groups):
                rest = tuple(other for other in left if other != field)
                open_parts.append((inside, (*ahead, field), rest))
            continue
        fields = (*ahead, *(field for field in every_field if field not in ahead))
        found += [Line(row, fields) for row in others.tolist()]
    return tuple(found)


def _groups(
    arrays: TableArrays, rows: Ints, fields: tuple[int, ...], stops: Callable[[], bool]
) -> tuple[tuple[int, ...], list[tuple[int, Ints]], Ints]:
    """Take rows with the same text of some field away, those first that save most then.

    Of texts that save as much the first one of the first field comes first. Returns the fields that
    come before and are the same in all rows, the field and the rows of each group, and the rows
    that are left.
    """
    if len(rows) < _PAIR or not fields or stops():
        return (), [], rows
    if len(rows) == _PAIR:
        return _of_two(arrays, rows, fields), [], rows
    width = int(arrays.value.max()) + 1
    part = np.ix_(rows, np.array(fields))
    cells = (arrays.value[part] + np.arange(len(fields)) * width).ravel()
    texts, first, place, count = np.unique(
        cells, return_index=True, return_inverse=True, return_counts=True
    )
    weight = arrays.weight[part].ravel()[first]
    saves = weight * (count - 1)
    several = np.flatnonzero(saves)
    heap = list(zip((-saves[several]).tolist(), several.tolist(), strict=True))
    heapify(heap)
    common: list[int] = []
    while heap and count[heap[0][1]] == len(rows):
        common.append(fields[int(texts[heappop(heap)[1]]) // width])
    if not heap:
        return tuple(common), [], rows
    place = place.reshape(len(rows), len(fields))
    holders = np.argsort(place.ravel(), kind="stable") // len(fields)
    ends = np.cumsum(count)
    starts = ends - count
    here = np.ones(len(rows), np.bool_)
    groups: list[tuple[int, Ints]] = []
    while heap and not stops():
        known, text = heap[0]
        now = -int(weight[text] * (count[text] - 1))
        if now >= 0:
            heappop(heap)
        elif now > known:
            # Rows of it have gone into other groups.
            heapreplace(heap, (now, text))
        else:
            heappop(heap)
            inside = holders[starts[text] : ends[text]]
            inside = inside[here[inside]]
            here[inside] = False
            np.subtract.at(count, place[inside].ravel(), 1)
            groups.append((fields[int(texts[text]) // width], rows[inside]))
    return tuple(common), groups, rows[here]


def _of_two(arrays: TableArrays, rows: Ints, fields: tuple[int, ...]) -> tuple[int, ...]:
    """Return the fields in which two rows have the same text, the longest first."""
    one, other = arrays.value[rows].tolist()
    weight = arrays.weight[rows[0]].tolist()
    same = [field for field in fields if one[field] == other[field] and weight[field]]
    return tuple(sorted(same, key=lambda field: -weight[field]))


def _fields(arrays: TableArrays) -> range:
    return range(arrays.value.shape[1])


def _repeated(arrays: TableArrays, rows: Ints, field: int) -> tuple[Ints, Ints]:
    """Return what each text of a field saves in a group of its rows, and the texts."""
    texts, first, count = np.unique(
        arrays.value[rows, field], return_index=True, return_counts=True
    )
    return arrays.weight[rows[first], field] * (count - 1), texts
