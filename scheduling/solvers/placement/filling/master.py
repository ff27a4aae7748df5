"""The linear program over fillings of nodes: it tells what more of them would bring.

Minimised is what waits, what is evicted and what leaves its node. Every node has one filling; each
item is in one, or waits, or (beyond as many as did not run) is evicted. Fillings come and go
between solves: primal simplex goes on from the basis that they leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from scheduling.errors import SolverError
from scheduling.models.placement.arrays import Flags, Ints
from scheduling.solvers.placement.filling.groups import Groups, Kinds
from scheduling.solvers.placement.filling.stakes import Stakes
from scheduling.solvers.placement.kernels.knapsack import find_homes

Floats = NDArray[np.float64]
Shorts = NDArray[np.int32]

_TOLERANCE = 1e-7
_CROWDED = 6
"""Columns for each row above which those that are far from any use go."""

_KEPT = 3
_LEAST_COLUMNS = 4000
_OF_REST = 1200
"""Fillings of a smaller program for what is left."""

_PRIMAL = 4


ANYWHERE = -1
"""Home of a filling that is for any node of its group."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Duals.

    A filling improves the program when its items' values, its group's and its home's (both at most
    0) sum up to more than its cost.

    Attributes
    ----------
    item : (K,) of an item of each class that finds a place.
    group : (T,) of a node of each group.
    kind : (J + 1,) of a node of each kind; the last is 0, for fillings that are for any.
    """

    item: Floats
    group: Floats
    kind: Floats

    def gain(self, columns: Columns) -> Floats:
        """Return by how much fillings improve the program, each once."""
        found: Floats = columns.items @ self.item - columns.cost
        found += self.group[columns.group] + self.kind[columns.home]
        return found


@dataclass(frozen=True, eq=False)
class Columns:
    """Fillings, one a row.

    Attributes
    ----------
    items : (C, K) items of each class.
    group : (C,) group of nodes that it is for.
    home : (C,) kind of nodes that it is for, or :data:`ANYWHERE` in the group.
    cost : (C,) cost of what leaves such a node.
    """

    items: Ints
    group: Ints
    home: Ints
    cost: Floats

    def __len__(self) -> int:
        """Return their number."""
        return len(self.group)

    def where(self, kept: Flags) -> Columns:
        """Return those that are kept."""
        return Columns(self.items[kept], self.group[kept], self.home[kept], self.cost[kept])

    def beside(self, other: Columns) -> Columns:
        """Return these and others."""
        return Columns(
            np.concatenate([self.items, other.items]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.home, other.home]),
            np.concatenate([self.cost, other.cost]),
        )


class Master:
    """The program.

    Parameters
    ----------
    groups
        The nodes.
    stakes
        Costs.
    kinds
        Kinds of nodes that fillings may be for; without any, what leaves a node costs nothing.
    count, size
        Nodes of each group and items of each class that are to be decided about.
    """

    def __init__(
        self, groups: Groups, stakes: Stakes, kinds: Kinds, count: Ints, size: Ints
    ) -> None:
        self.groups, self.stakes, self.kinds = groups, stakes, kinds
        self.count, self.size = count, size
        classes, rows = len(size), len(count)
        none = np.zeros(0, np.int64)
        self.columns = Columns(np.zeros((0, classes), np.int32), none, none, np.zeros(0))
        self.x = np.zeros(0)
        self._seen: set[tuple[int, int, bytes]] = set()
        self._reduced = np.zeros(0)
        self.value = 0.0
        self._highs = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("simplex_strategy", _PRIMAL),
        ):
            self._demand(self._highs.setOptionValue(name, value), f"set {name}")
        sides = (count, count), (size, size), (None, kinds.count)
        for least, most in sides:
            for row, upper in enumerate(most.tolist()):
                lower = -highspy.kHighsInf if least is None else float(least[row])
                status = self._highs.addRow(lower, float(upper), 0, none.astype(np.int32), self.x)
                self._demand(status, "take a row")
        pending = groups.size - groups.running.sum(axis=0)
        for free in (pending.astype(float), np.full(classes, highspy.kHighsInf)):
            index = (rows + np.arange(classes)).astype(np.int32)
            starts = np.arange(classes, dtype=np.int32)
            self._add(np.zeros(classes), free, starts, index, np.ones(classes))
        self._slack = 2 * classes
        self.weigh(stakes)
        self._extend(self.anywhere(np.zeros((rows, classes), np.int64), np.arange(rows)))

    @staticmethod
    def _demand(status: highspy.HighsStatus, what: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS could not {what}")

    def _add(
        self, cost: Floats, most: Floats, starts: Shorts, rows: Shorts, values: Floats
    ) -> None:
        status = self._highs.addCols(
            len(cost), cost, np.zeros(len(cost)), most, len(rows), starts, rows, values
        )
        self._demand(status, "take columns")

    def weigh(self, stakes: Stakes) -> None:
        """Change what waiting items cost."""
        self.stakes = stakes
        cost = np.concatenate([stakes.waiting, stakes.waiting + stakes.evicted])
        for column, value in enumerate(cost.tolist()):
            self._highs.changeColCost(column, value)

    def anywhere(self, items: Ints, group: Ints) -> Columns:
        """Return fillings for any node of their groups, at the mean cost of its nodes."""
        kinds = self.kinds
        home = np.zeros(len(items), np.int64)
        least, mean = np.zeros(len(items)), np.zeros(len(items))
        find_homes(
            items,
            group,
            kinds.first,
            kinds.count,
            kinds.running,
            self.stakes.leaving,
            home,
            least,
            mean,
        )
        return Columns(items, group, np.full(len(group), ANYWHERE), mean)

    def at_kinds(self, items: Ints, kind: Ints) -> Columns:
        """Return fillings for nodes of given kinds."""
        kinds = self.kinds
        gone = np.maximum(kinds.running[kind] - items, 0)
        return Columns(items, kinds.group[kind], kind, gone @ self.stakes.leaving)

    def add(self, columns: Columns, prices: Prices | None = None) -> int:
        """Take fillings in that are new, and cheap enough at prices; return how many.

        Parameters
        ----------
        columns
            The fillings.
        prices
            Duals; ``None``: they are taken in any case.
        """
        if prices is not None:
            columns = columns.where(prices.gain(columns) > _TOLERANCE)
        fresh = [self._is_new(key) for key in _keys(columns)]
        columns = columns.where(np.array(fresh, bool))
        self._extend(columns)
        return len(columns)

    def _is_new(self, key: tuple[int, int, bytes]) -> bool:
        """Tell whether a filling is new, and remember it."""
        known = key in self._seen
        self._seen.add(key)
        return not known

    def _extend(self, more: Columns) -> None:
        if not len(more):
            return
        count = np.arange(len(more))
        row, k = np.nonzero(more.items)
        settled = np.flatnonzero(more.home >= 0)
        at = np.concatenate([count, row, settled])
        classes, kinds = len(self.count), len(self.count) + len(self.size)
        index = np.concatenate([more.group, classes + k, kinds + more.home[settled]])
        value = np.concatenate([np.ones(len(count)), more.items[row, k], np.ones(len(settled))])
        order = np.argsort(at, kind="stable")
        starts = np.searchsorted(at[order], count).astype(np.int32)
        most = np.full(len(count), highspy.kHighsInf)
        self._add(more.cost, most, starts, index[order].astype(np.int32), value[order])
        slim = Columns(more.items.astype(np.int32), more.group, more.home, more.cost)
        self.columns = self.columns.beside(slim)

    def solve(self, seconds: float | None) -> Prices | None:
        """Solve the program; ``None`` when the time was not enough.

        Raises
        ------
        SolverError
            When HiGHS fails.
        """
        if seconds is not None:
            limit = self._highs.getRunTime() + max(seconds, 0.001)
            self._demand(self._highs.setOptionValue("time_limit", limit), "set a limit")
        self._demand(self._highs.run(), "run")
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        self.x = np.array(solution.col_value)[self._slack :]
        self._reduced = np.array(solution.col_dual)[self._slack :]
        rows = np.array(solution.row_dual)
        classes, kinds = np.cumsum([len(self.count), len(self.size)]).tolist()
        kind = np.append(rows[kinds:], 0.0)
        prices = Prices(item=rows[classes:kinds], group=rows[:classes], kind=kind)
        self.value = float(self._highs.getInfo().objective_function_value)
        self._prune()
        return prices

    def _prune(self) -> None:
        """Drop what is far from any use when there are many columns."""
        rows = len(self.count) + len(self.size) + len(self.kinds.count)
        if len(self.x) <= max(_CROWDED * rows, _LEAST_COLUMNS):
            return
        keep = max(_KEPT * rows, _LEAST_COLUMNS // 2)
        limit = np.partition(self._reduced, keep)[keep]
        # Empty nodes keep every residual program feasible.
        kept = (self._reduced <= limit) | (self.x > _TOLERANCE) | ~self.columns.items.any(axis=1)
        gone = np.flatnonzero(~kept)
        index = (self._slack + gone).astype(np.int32)
        self._demand(self._highs.deleteCols(len(index), index), "drop columns")
        self.columns, self.x = self.columns.where(kept), self.x[kept]
        self._reduced = self._reduced[kept]
        self._seen = set(_keys(self.columns))

    def near(self, most: float) -> Columns:
        """Return fillings that are in use, or lose at most so much."""
        known = len(self._reduced)
        kept = np.zeros(len(self.columns), bool)
        kept[:known] = (self.x > _TOLERANCE) | (self._reduced <= most)
        return self.columns.where(kept)

    def rest(self, count: Ints, size: Ints, kinds: Ints) -> Master:
        """Return a smaller program for so many nodes, items and nodes of each kind.

        It knows those of the fillings that lose least, and has the kinds that have nodes left, in
        the same order.
        """
        program = Master(self.groups, self.stakes, self.kinds.left(kinds), count, size)
        known = self.columns.where(np.arange(len(self.columns)) < len(self._reduced))
        open_to = np.append(kinds > 0, True)
        fits = np.all(known.items <= size, axis=1) & (count[known.group] > 0) & open_to[known.home]
        fitting = np.flatnonzero(fits)
        chosen = fitting[np.argsort(self._reduced[fitting], kind="stable")[:_OF_REST]]
        number = np.append(np.cumsum(kinds > 0) - 1, ANYWHERE)
        items, home = known.items[chosen].astype(np.int64), number[known.home[chosen]]
        program.add(Columns(items, known.group[chosen], home, known.cost[chosen]))
        return program

    def restrict(self, count: Ints, size: Ints, kinds: Ints) -> None:
        """Leave so many nodes of each group, items of each class and nodes of each kind."""
        upper = np.concatenate([count, size, kinds]).astype(float)
        lower = np.where(np.arange(len(upper)) < len(count) + len(size), upper, -highspy.kHighsInf)
        rows = np.arange(len(upper), dtype=np.int32)
        status = self._highs.changeRowsBounds(len(rows), rows, lower, upper)
        self._demand(status, "change rows")
        fits = np.all(self.columns.items <= size, axis=1)
        most = np.where(fits, highspy.kHighsInf, 0.0)
        index = (self._slack + np.arange(len(most))).astype(np.int32)
        status = self._highs.changeColsBounds(len(index), index, np.zeros(len(most)), most)
        self._demand(status, "change columns")


def _keys(columns: Columns) -> list[tuple[int, int, bytes]]:
    """Return what tells fillings apart: group, home, classes and numbers."""
    row, k = np.nonzero(columns.items)
    pairs = np.column_stack([k, columns.items[row, k]])
    ends = np.searchsorted(row, np.arange(len(columns) + 1)).tolist()
    places = zip(columns.group.tolist(), columns.home.tolist(), strict=True)
    return [
        (group, home, pairs[ends[index] : ends[index + 1]].tobytes())
        for index, (group, home) in enumerate(places)
    ]
