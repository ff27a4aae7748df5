"""Solver ``mip``: the way of each row through groups of rows, as a mixed-integer program."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.table.arrays import Flags, Ints, Line, Lines, TableArrays
from scheduling.models.table.bounds import chain_bound
from scheduling.models.table.groups import TableGroups, find_groups
from scheduling.solvers.bases import TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver
from scheduling.solvers.table.family import CompiledTable, offer
from scheduling.solvers.table.grouping import GroupRecursion

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel

LARGEST = 200_000
"""Most rows in groups of one program."""

_HALF = 0.5


class Mip(TakesAll, ProgramSolver):
    """Rows go from group to group, each inside the one before, as far as they share with others.

    An arc from a group to another saves the weight of the cells that come with it for each row that
    takes it but one. Of tables with too many groups for a program it tells the bound that the
    groups which it has found give.
    """

    summary = "ways of rows through groups of rows, on HiGHS (mip:gurobi, … through Pyomo): exact"

    def search(
        self,
        data: CompiledTable,
        board: Board[Lines],
        budget: Budget,
        hint: Lines | None,
    ) -> None:
        """Solve the program behind a rule's answer, or tell what the groups found in time bound."""
        if board.best is None:
            GroupRecursion().search(data, board, budget, hint)
        groups = data.groups
        if not groups.complete:
            groups = find_groups(
                data.arrays, LARGEST, lambda: board.stopped or budget.remaining() == 0
            )
            board.raise_bound(-chain_bound(data.arrays, groups), "formula")
        if board.stopped or not groups.complete:
            return
        ways = _ways(groups)
        model, used = _program(groups, ways)

        def post(values: Floats) -> None:
            offer(data, board, _lines(data.arrays, groups, ways, values[used] > _HALF), self.name)

        if not model.n_columns:
            # What rows share all of them share; engines say nothing of programs without variables.
            post(np.zeros(0))
            return
        start = None if board.best is None else _start(data.arrays, groups, ways, board.best)
        self.run(model, post, board, budget, start)


@dataclass(frozen=True, eq=False)
class _Ways:
    """Every arc once for each row that may take it: its number and the row's."""

    arc: Ints
    row: Ints


def _ways(groups: TableGroups) -> _Ways:
    heads = [groups.members[head] for head in groups.head]
    arcs = np.repeat(np.arange(len(heads)), [len(rows) for rows in heads])
    return _Ways(arcs, np.concatenate(heads) if heads else np.zeros(0, np.int64))


def _program(groups: TableGroups, ways: _Ways) -> tuple[LinearModel, Ints]:
    """Return the program, which minimises what is saved with its sign turned, and its ways."""
    from scheduling.solvers.linear.model import LinearModel

    gain = groups.gain.astype(np.float64)
    model = LinearModel("table", -float(groups.certain))
    opened = model.add_columns("opened", len(gain), upper=1, cost=gain, integer=True)
    taken = model.add_columns("taken", len(ways.arc), upper=1, cost=-gain[ways.arc])
    count = np.arange(len(taken))
    model.add_rows(
        "only where opened",
        len(taken),
        np.concatenate((count, count)),
        np.concatenate((taken, opened[ways.arc])),
        np.concatenate((np.ones(len(taken)), -np.ones(len(taken)))),
        upper=0.0,
    )
    # A row leaves a group at most as often as it came, the one of all rows at most once.
    size = len(groups.rows)
    places, leaves = np.unique(groups.tail[ways.arc] * size + ways.row, return_inverse=True)
    comes = groups.head[ways.arc] * size + ways.row
    at = np.minimum(np.searchsorted(places, comes), len(places) - 1)
    goes_on = np.nonzero(places[at] == comes)[0] if len(places) else count
    model.add_rows(
        "on",
        len(places),
        np.concatenate((leaves, at[goes_on])),
        np.concatenate((taken, taken[goes_on])),
        np.concatenate((np.ones(len(taken)), -np.ones(len(goes_on)))),
        upper=np.where(places < size, 1.0, 0.0),
    )
    return model, taken


def _start(arrays: TableArrays, groups: TableGroups, ways: _Ways, lines: Lines) -> Floats:
    """Return values of the program that save as much as lines do: what neighbours share counts."""
    value = arrays.value[groups.rows]
    place = np.unique(arrays.value, axis=0, return_inverse=True)[1].ravel().tolist()
    numbers = {rows.tobytes(): group for group, rows in enumerate(groups.members)}
    ends = zip(groups.tail.tolist(), groups.head.tolist(), strict=True)
    arcs = {pair: arc for arc, pair in enumerate(ends)}
    first = np.searchsorted(ways.arc, np.arange(len(arcs)))
    opened, taken = np.zeros(len(arcs)), np.zeros(len(ways.arc))
    # Of equal rows one line stands for all.
    chosen = list({place[line.row]: line for line in reversed(lines)}.items())
    shared = [_shared(value, one, other) for one, other in pairwise(chosen)]
    for (row, line), *depths in zip(chosen, [0, *shared], [*shared, 0], strict=True):
        group = 0
        for field in line.fields[: max(depths)]:
            if not groups.common[group, field]:
                inside = groups.members[group]
                inside = inside[value[inside, field] == value[row, field]]
                head = numbers[inside.tobytes()]
                arc = arcs[group, head]
                opened[arc] = taken[first[arc] + np.searchsorted(inside, row)] = 1.0
                group = head
    return np.concatenate((opened, taken))


def _shared(value: Ints, one: tuple[int, Line], other: tuple[int, Line]) -> int:
    """Return how many cells in front two lines share."""
    pairs = zip(one[1].fields, other[1].fields, strict=True)
    same = (a == b and value[one[0], a] == value[other[0], b] for a, b in pairs)
    return sum(takewhile(bool, same))


def _lines(arrays: TableArrays, groups: TableGroups, ways: _Ways, taken: Flags) -> Lines:
    """Return the lines of ways: rows of equal beginnings stand together."""
    count = arrays.value.shape[1]
    chosen: list[list[int]] = [[] for _ in groups.rows]
    for arc, row in zip(ways.arc[taken].tolist(), ways.row[taken].tolist(), strict=True):
        chosen[row].append(arc)
    orders = {}
    for row, arcs in enumerate(chosen):
        # Groups are numbered by falling size, so that a row's arcs follow each other by their tail.
        fields = np.nonzero(groups.common[0])[0].tolist()
        for arc in sorted(arcs, key=lambda arc: int(groups.tail[arc])):
            added = groups.common[groups.head[arc]] & ~groups.common[groups.tail[arc]]
            fields += np.nonzero(added)[0].tolist()
        fields += [field for field in range(count) if field not in set(fields)]
        orders[arrays.value[groups.rows[row]].tobytes()] = tuple(fields)
    lines = [Line(row, orders[value.tobytes()]) for row, value in enumerate(arrays.value)]

    def cells(line: Line) -> list[tuple[int, int]]:
        return [(field, int(arrays.value[line.row, field])) for field in line.fields]

    return tuple(sorted(lines, key=cells))
