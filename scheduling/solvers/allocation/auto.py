"""Solver ``auto``: rules, the dynamic program, then CP-SAT and a program."""

from __future__ import annotations

from scheduling.models.allocation.arrays import Ints
from scheduling.solvers.allocation.cpsat import CpSat
from scheduling.solvers.allocation.dynamic import DynamicProgram
from scheduling.solvers.allocation.family import CompiledAllocation
from scheduling.solvers.allocation.greedy import Greedy
from scheduling.solvers.allocation.marginal import Marginal
from scheduling.solvers.allocation.mip import Mip
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.sideways import beside


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    The rules answer at once, and prove themselves where gains are concave. The dynamic program
    ends the search where the budget is short; long ones are left to CP-SAT and the program.
    """

    name = "auto"
    summary = "portfolio: greedy, marginal analysis, dynamic program, CP-SAT and MIP"

    def search(
        self, data: CompiledAllocation, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Improve value and bound."""
        for rule in (Greedy(), Marginal(), DynamicProgram()):
            if not board.stopped and budget.remaining() != 0 and rule.refusal(data) is None:
                rule.search(data, board, budget, hint)
        beside((CpSat(), Mip()), data, board, budget, hint)
