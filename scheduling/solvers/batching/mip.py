"""Solver ``mip``: the time-indexed program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.batching.arrays import Plan
from scheduling.solvers.batching.family import CompiledBatching, offer
from scheduling.solvers.batching.lp import TimeIndexed, reach
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats


class Mip(ProgramSolver):
    """How many of each group of equal requests start in each iteration."""

    def refusal(self, data: CompiledBatching) -> str | None:
        """Refuse what the program does not bound, and programs out of reach."""
        return TimeIndexed().refusal(data)

    def search(
        self, data: CompiledBatching, board: Board[Plan], budget: Budget, hint: Plan | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.batching.program import program

        arrays = data.arrays
        stated = program(arrays, reach(arrays))

        def post(values: Floats) -> None:
            plan = stated.plan(arrays, values)
            if arrays.fits(plan):
                offer(data, board, plan, self.name)

        known = board.known(hint)
        start = None
        if known is not None and arrays.fits(known):
            start = stated.values(known)
        self.run(stated.model, post, board, budget, start)
