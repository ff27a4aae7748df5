"""Solver ``mip``: the whole placement as a mixed-integer program on any engine."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.aims import UNLIMITED
from scheduling.models.placement.arrays import Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.result import Limits, Listener, Outcome
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import offer
from scheduling.solvers.registry import Availability

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats
    from scheduling.solvers.linear.result import Engine

LARGEST_CELLS = 500_000
"""Most pairs of class and node that one program may have."""

QUESTIONS_PER_UNIT = 10
"""Questions of HiGHS whether to go on, per unit of work; it asks a few to 50 times a second."""

_GAP = 0.99
"""Values are integers, so a gap below 1 proves optimality."""

_TOLERANCE = 1e-4


class Mip:
    """A mixed-integer program over numbers of equal items: exact.

    Parameters
    ----------
    engine
        ``highs``, or the name of an engine in Pyomo: ``gurobi``, ``cplex``, ``scip``, ….
    """

    name = "mip"
    summary = "Mixed-integer program on HiGHS (mip:gurobi, mip:cplex, mip:scip through Pyomo)"

    def __init__(self, engine: str = "highs") -> None:
        self.engine = engine
        if engine != "highs":
            self.name = f"mip:{engine}"

    def _engine(self) -> Engine:
        from scheduling.solvers.linear.engines import find_engine

        return find_engine(self.engine)

    def availability(self) -> Availability:
        """Tell whether the engine is there."""
        return self._engine().availability()

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Refuse parts of nodes, products, and programs that would not fit into memory."""
        measure, gauge = data.arrays.fragment, data.arrays.aims.balance
        inside = measure is not None and measure.parts is not None
        inside = inside or (gauge is not None and gauge.columns is not None)
        if inside or any(data.arrays.parts.shares):
            return "does not know parts of nodes; use cp-sat"
        limited = bool(np.any(data.arrays.aims.tolerated != UNLIMITED))
        if limited or "interference" in data.arrays.goals:
            return "does not know interference, which is not linear; use cp-sat"
        if "fragmentation" in data.arrays.goals:
            return "does not know the goal fragmentation; use cp-sat"
        cells = int(data.arrays.eligible.sum())
        if cells > LARGEST_CELLS:
            return f"{cells} pairs of item class and node, above {LARGEST_CELLS}; use lns"
        return None

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Solve the tier of ``board``.

        One unit of work is ten questions of HiGHS whether to go on: a fifth of a second or more.
        """
        from scheduling.solvers.placement.mip.model import Program

        offer(data, board, data.arrays.now, self.name)
        if board.stopped:
            return
        program = Program(data.arrays, board.tier, board.caps)
        if program.model.n_columns == 0:
            board.raise_bound(int(program.model.offset), self.name)
            return

        def solution(values: Floats) -> None:
            offer(data, board, program.places(values), self.name)

        def bound(value: float) -> None:
            board.raise_bound(ceil(value - _TOLERANCE - 1e-9 * abs(value)), self.name)

        work = None if budget.work is None else max(1, int(budget.work * QUESTIONS_PER_UNIT))
        limits = Limits(budget.remaining(), budget.workers, budget.seed, work, _GAP)
        listener = Listener(solution, bound, lambda: board.stopped)
        result = self._engine().solve(program.model, limits, listener)
        if result.values is not None:
            solution(result.values)
        if result.bound is not None and not board.closed:
            bound(result.bound)
        if result.outcome is Outcome.INFEASIBLE and board.best is None:
            board.prove_infeasible(self.name)
