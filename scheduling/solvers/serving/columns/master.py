"""The master: one whole fleet of each model, so that all keep the tying rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.solvers.board import Budget
from scheduling.solvers.linear.highs import Highs, relax
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.result import Limits, Listener, Outcome
from scheduling.solvers.serving.columns.blocks import Parts
from scheduling.solvers.serving.mip.program import Program

PENALTY = 1e3
"""Cost of breaking a tying row by one, in units of the largest cost of a column."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Optimum of the relaxed master.

    Attributes
    ----------
    rows
        Dual of each tying row.
    blocks
        Dual of each block's choice.
    """

    rows: Floats
    blocks: Floats


class Master:
    """Columns found so far: points of the blocks, each with its cost and what it takes.

    Parameters
    ----------
    program
        The whole program.
    parts
        The same in parts.
    """

    def __init__(self, program: Program, parts: Parts) -> None:
        self.program, self.parts = program, parts
        self.points: list[list[Floats]] = [[] for _ in parts.blocks]
        self._seen: list[set[bytes]] = [set() for _ in parts.blocks]

    def add(self, block: int, values: Floats) -> bool:
        """Take a point of a block; False when it is known."""
        key = np.round(values, 9).tobytes()
        if key in self._seen[block]:
            return False
        self._seen[block].add(key)
        self.points[block].append(values)
        return True

    def _model(self, *, integer: bool) -> tuple[LinearModel, list[np.ndarray]]:
        """State the master; its first rows are the tying ones, then one choice for each block."""
        parts, model = self.parts, LinearModel("master")
        lower, upper = self.program.model.bounds()
        costs, integers = self.program.model.costs(), self.program.model.integers()
        for position in parts.shared.tolist():
            model.add_columns(
                "shared",
                1,
                lower=lower[position],
                upper=upper[position],
                cost=costs[position],
                integer=integer and bool(integers[position]),
            )
        count = len(parts.lower)
        entries = [parts.ties]
        choices = []
        for block, points in zip(parts.blocks, self.points, strict=True):
            prices = np.array([float(block.cost @ point) for point in points])
            chosen = model.add_columns("choice", len(points), cost=prices, integer=integer)
            choices.append(chosen)
            for column, point in zip(chosen.tolist(), points, strict=True):
                usage = block.usage(point, count)
                rows = np.flatnonzero(usage)
                entries.append((rows, np.full(len(rows), column), usage[rows]))
        if not integer:
            penalty = PENALTY * max(1.0, float(np.abs(model.costs()).max(initial=0.0)))
            for sign in (1.0, -1.0):
                spare = model.add_columns("broken", count, cost=penalty)
                entries.append((np.arange(count), spare, np.full(count, sign)))
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        model.add_rows("ties", count, row, column, value, lower=parts.lower, upper=parts.upper)
        for chosen in choices:
            zeros = np.zeros(len(chosen), np.int64)
            model.add_rows("one", 1, zeros, chosen, 1.0, lower=1.0, upper=1.0)
        return model, choices

    def prices(self, budget: Budget) -> Prices | None:
        """Solve the relaxed master; ``None`` when the time is up."""
        model, _ = self._model(integer=False)
        result = relax(model, Limits(seconds=budget.remaining(), seed=budget.seed))
        if result.outcome is not Outcome.OPTIMAL or result.duals is None:
            return None
        count = len(self.parts.lower)
        return Prices(self.parts.priced(result.duals[:count]), result.duals[count:])

    def whole(self, budget: Budget, listener: Listener) -> Floats | None:
        """Choose one column for each block as an integer program; values of the program."""
        model, choices = self._model(integer=True)
        work = None if budget.work is None else max(1, int(budget.work))
        limits = Limits(budget.remaining(), budget.workers, budget.seed, work, 0.5)
        quiet = Listener(lambda _: None, lambda _: None, listener.stopped)
        result = Highs().solve(model, limits, quiet)
        if result.values is None:
            return None
        found = np.zeros(self.program.model.n_columns)
        found[self.parts.shared] = result.values[: len(self.parts.shared)]
        for block, points, chosen in zip(self.parts.blocks, self.points, choices, strict=True):
            best = int(np.argmax(result.values[chosen]))
            found[block.columns] = points[best]
        return found
