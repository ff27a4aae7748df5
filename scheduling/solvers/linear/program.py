"""What solvers ``mip`` of all families share: the choice of the engine, and its run on a board."""

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

QUESTIONS_PER_UNIT = 10
"""Questions of HiGHS whether to go on, per unit of work; it asks a few to 50 times a second."""

LARGEST_VALUE = 10**9
"""Largest value of a variable: beyond it rounding is coarser than what engines tolerate."""

_GAP = 0.99
"""Where values are integers, a gap below 1 proves optimality."""

_TOLERANCE = 1e-4


def too_large(value: int, what: str) -> str | None:
    """Return why a program is refused whose variables have such values; ``None`` if it is not.

    Engines keep rows and integers within 1e-6, but floats of more than 1e9 differ by more than a
    tenth of that: sums of them are off by as much, so that what is said of bounds and of programs
    without a solution may be wrong.

    Parameters
    ----------
    value
        The largest value.
    what
        What has it, in the plural.
    """
    if value <= LARGEST_VALUE:
        return None
    return f"{what} of up to {value}, above {LARGEST_VALUE}; use auto"


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
        """Solve the program of the board's tier, whose values are integers.

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

        listener = Listener(post, bound, lambda: board.stopped)
        outcome = run_on_board(self._engine(), model, listener, board, budget, _GAP, start)
        if outcome is Outcome.INFEASIBLE and board.best is None:
            board.prove_infeasible(self.name)


def run_on_board(
    engine: Engine,
    model: LinearModel,
    listener: Listener,
    board: Board[Any],
    budget: Budget,
    gap: float,
    start: Floats | None = None,
) -> Outcome:
    """Solve a program and tell the listener all that comes of it, the end included.

    Parameters
    ----------
    engine, model, listener
        What solves what, and who posts its solutions and bounds.
    board, budget
        The board that is posted to, and what the run may spend.
    gap
        Absolute gap at which a solution counts as optimal.
    start
        Values to start from.
    """
    work = None if budget.work is None else max(1, int(budget.work * QUESTIONS_PER_UNIT))
    limits = Limits(budget.remaining(), budget.workers, budget.seed, work, gap)
    result = engine.solve(model, limits, listener, start)
    if result.values is not None:
        listener.solution(result.values)
    if result.bound is not None and not board.closed:
        listener.bound(result.bound)
    return result.outcome
