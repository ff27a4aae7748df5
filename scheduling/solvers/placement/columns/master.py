"""The restricted master: a linear program over the patterns known so far, solved anew as they come.

HiGHS keeps its basis from one round to the next, which a model built anew for each would lose.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import highspy
import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.linear.highs import demand, run
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.placement.columns.aims import Evaluation, Pattern, Prices

_TOLERANCE = 1e-7


class Master:
    """Patterns and the linear program that chooses among them.

    Rows: each group has one pattern a node; each class has all its items somewhere; limits.

    Parameters
    ----------
    evaluation
        Evaluates patterns.
    size
        Number of items of each class.
    stopped
        Asked often; True ends a solve.
    """

    def __init__(self, evaluation: Evaluation, size: Ints, stopped: Callable[[], bool]) -> None:
        self.evaluation = evaluation
        self.size = size
        self._stopped = stopped
        self.nodes = np.array([len(group.nodes) for group in evaluation.groups], np.int64)
        self.patterns: list[Pattern] = []
        self._seen: set[tuple[int, bytes]] = set()
        self._highs = highspy.Highs()
        self._stop = threading.Event()
        self._highs.cbSimplexInterrupt.subscribe(self._on_question)
        for name, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
            demand(self._highs.setOptionValue(name, value), f"set {name}")
        most = [float(limit.most) for limit in evaluation.limits]
        lower = [*self.nodes.tolist(), *size.tolist(), *([-highspy.kHighsInf] * len(most))]
        upper = [*self.nodes.tolist(), *size.tolist(), *most]
        empty = np.zeros(0)
        for low, high in zip(lower, upper, strict=True):
            row = self._highs.addRow(float(low), float(high), 0, empty.astype(np.int32), empty)
            demand(row, "take a row")

    def add(self, group: int, items: Ints, prices: Prices | None, most: float) -> bool:
        """Take a pattern in unless it is known or costs too much; tell whether it was.

        Parameters
        ----------
        group, items
            The pattern.
        prices
            Duals for its reduced cost; ``None``: it is taken in any case.
        most
            Largest reduced cost.
        """
        key = group, items.tobytes()
        if key in self._seen:
            return False
        pattern = self.evaluation.pattern(group, items)
        if prices is not None and prices.reduced(pattern) > most:
            return False
        self._seen.add(key)
        self.patterns.append(pattern)
        column = self._column(pattern)
        rows = np.flatnonzero(column)
        status = self._highs.addCol(
            float(pattern.score),
            0.0,
            highspy.kHighsInf,
            len(rows),
            rows.astype(np.int32),
            column[rows],
        )
        demand(status, "take a column")
        return True

    def add_all(
        self, found: Iterable[tuple[int, Ints]], prices: Prices, most: float = -_TOLERANCE
    ) -> int:
        """Take patterns in; return how many are new and cheap enough."""
        return sum(self.add(group, items, prices, most) for group, items in found)

    def _column(self, pattern: Pattern) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        found = np.zeros(len(self.nodes) + len(self.size) + len(self.evaluation.limits))
        found[pattern.group] = 1.0
        found[len(self.nodes) : len(self.nodes) + len(self.size)] = pattern.count
        found[len(self.nodes) + len(self.size) :] = pattern.spent
        return found

    def _on_question(self, event: Any) -> None:
        if self._stop.is_set() or self._stopped():
            event.interrupt()

    def solve(self, seconds: float | None) -> Prices | None:
        """Solve the linear program; ``None`` when the time was not enough or it was stopped.

        Raises
        ------
        SolverError
            When HiGHS fails.
        """
        if seconds is not None:
            limit = self._highs.getRunTime() + max(seconds, 0.001)
            demand(self._highs.setOptionValue("time_limit", limit), "set a limit")
        run(self._highs, self._stop)
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        duals = np.array(self._highs.getSolution().row_dual)
        groups, classes = len(self.nodes), len(self.size)
        return Prices(
            group=duals[:groups],
            item=duals[groups : groups + classes],
            limit=np.maximum(-duals[groups + classes :], 0.0),
        )

    @property
    def value(self) -> float:
        """Value of the linear program when it was last solved."""
        return float(self._highs.getInfo().objective_function_value)

    def integer_model(self) -> LinearModel:
        """Return the choice of whole numbers of the patterns known now as a model."""
        model = LinearModel("patterns")
        patterns = tuple(self.patterns)
        group = np.array([pattern.group for pattern in patterns])
        score = np.array([pattern.score for pattern in patterns], float)
        x = model.add_columns("x", len(group), upper=self.nodes[group], cost=score, integer=True)
        model.add_rows("node", len(self.nodes), group, x, 1.0, lower=self.nodes, upper=self.nodes)
        most = np.array([limit.most for limit in self.evaluation.limits], np.int64)
        count, spent = tables(patterns)
        for label, table, lower, upper in (
            ("class", count, self.size, self.size),
            ("limit", spent, -np.inf, most),
        ):
            row, column = np.nonzero(table)
            value = table[row, column]
            model.add_rows(label, len(table), row, column, value, lower=lower, upper=upper)
        return model


def tables(patterns: Sequence[Pattern]) -> tuple[Ints, Ints]:
    """Return the items of each class (K, columns), and what is spent of limits."""
    count = np.array([pattern.count for pattern in patterns], np.int64)
    spent = np.array([pattern.spent for pattern in patterns], np.int64)
    return count.reshape(len(patterns), -1).T, spent.reshape(len(patterns), -1).T
