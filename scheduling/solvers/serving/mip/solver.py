"""Solver ``mip``: the whole fleet as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.serving.arrays import FleetPlan
from scheduling.solvers.bases import TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver, run_on_board
from scheduling.solvers.linear.result import Limits, Listener, Outcome
from scheduling.solvers.serving.family import CompiledServing
from scheduling.solvers.serving.plans import offer
from scheduling.solvers.serving.routing import settle

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats
    from scheduling.solvers.linear.result import Engine
    from scheduling.solvers.serving.mip.program import Program

_LEAST_SECONDS = 0.1

_PRICE = 1e3
"""Cost of a request a second that is not served, and what a unit of goodput is worth, beside the
objective of fixed fleets."""

_CLOSE = 1e-6
"""A bound that exceeds the best value by no more than this share of it is the value."""


class Mip(TakesAll, ProgramSolver):
    """A mixed-integer program over numbers of replicas and flows: exact within 1e-6 of rates."""

    def search(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Solve the tier of ``board``."""
        from scheduling.solvers.serving.mip.program import Program

        program = Program(data.arrays, board.tier, board.caps)
        run_program(self._engine(), program, board, budget, self.name)


def post_bound(program: Program, board: Board[FleetPlan], value: float, name: str) -> None:
    """Post a bound of a program's objective as one of the board's tier."""
    found, best = program.bound(value), board.objective
    if best is not None and best < found <= best + _CLOSE * abs(best):
        found = best
    board.raise_bound(found, name)


def run_program(
    engine: Engine,
    program: Program,
    board: Board[FleetPlan],
    budget: Budget,
    name: str,
    *,
    proves: bool = True,
) -> None:
    """Run a program on a board.

    Parameters
    ----------
    engine, program, board, budget, name
        What runs where, how long, and the solver's name on the board.
    proves
        Whether the program holds all plans, so that its bounds and its infeasibility count.
    """
    arrays = program.arrays

    refused: list[Floats] = []

    def solution(values: Floats) -> None:
        units, rates, patterns = program.plan(values)
        if not offer(arrays, board, units, settle(arrays, units, rates), name, patterns):
            refused.append(values)

    def bound(value: float) -> None:
        if proves:
            post_bound(program, board, value, name)

    if board.stopped:
        return
    listener = Listener(solution, bound, lambda: board.stopped)
    gap = 0.98 if program.whole else 0.01
    outcome = run_on_board(engine, program.model, listener, board, budget, gap)
    if outcome is Outcome.INFEASIBLE and board.best is None and proves:
        board.prove_infeasible(name)
    if refused and not board.closed:
        served = _served(program, refused[-1], budget)
        if served is not None:
            solution(served)


def _served(program: Program, values: Floats, budget: Budget) -> Floats | None:
    """Route anew on the fleet of a solution, and serve as much as can be.

    A program lets rates be missing that round to none; with rounding errors that may be too much.
    """
    from scheduling.solvers.linear.highs import relax

    columns, signs = program.rates
    if not len(columns):
        return None
    fixed = program.model.with_integers_at(values)
    fixed.add_costs(columns, _PRICE * signs)
    left = budget.remaining()
    seconds = None if left is None else max(_LEAST_SECONDS, left)
    quiet = Listener(lambda _: None, lambda _: None, lambda: False)
    return relax(fixed, Limits(seconds, 1, budget.seed), quiet).values
