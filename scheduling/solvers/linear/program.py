"""What the solvers ``mip`` of all families share: the choice of the engine and its run on a board.

Objectives are integers, so a gap below 1 proves a solution best.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.result import Limits, Listener, Outcome
from scheduling.solvers.registry import Availability

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel
    from scheduling.solvers.linear.result import Engine

_QUESTIONS_PER_UNIT = 10
"""Questions of HiGHS whether to go on, per unit of work; it asks a few to 50 times a second."""

_GAP = 0.99

_TOLERANCE = 1e-4


class ProgramSolver:
    """The part of a solver ``mip`` that is the same in every family.

    One unit of work is ten questions of HiGHS whether to go on: a fifth of a second or more.

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

    def run(
        self,
        model: LinearModel,
        post: Callable[[Floats], None],
        board: Board[Any],
        budget: Budget,
        start: Floats | None = None,
    ) -> None:
        """Solve the program of the board's tier, and post what it finds and proves.

        Parameters
        ----------
        model
            The program; its objective is the tier's value, or less.
        post
            Translates the values of a solution and posts it.
        board, budget
            Where bounds go, and what the run may spend.
        start
            Values to start from.
        """

        def bound(value: float) -> None:
            board.raise_bound(ceil(value - _TOLERANCE - 1e-9 * abs(value)), self.name)

        work = None if budget.work is None else max(1, int(budget.work * _QUESTIONS_PER_UNIT))
        limits = Limits(budget.remaining(), budget.workers, budget.seed, work, _GAP)
        listener = Listener(post, bound, lambda: board.stopped)
        result = self._engine().solve(model, limits, listener, start)
        if result.values is not None:
            post(result.values)
        if result.bound is not None and not board.closed:
            bound(result.bound)
        if result.outcome is Outcome.INFEASIBLE and board.best is None:
            board.prove_infeasible(self.name)
