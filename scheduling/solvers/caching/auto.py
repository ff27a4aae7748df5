"""Solver ``auto``: rules that know the future, the flow, then CP-SAT and a program."""

from __future__ import annotations

from scheduling.models.caching.arrays import Flags
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.caching.belady import Belady
from scheduling.solvers.caching.cpsat import CpSat
from scheduling.solvers.caching.family import CompiledCaching
from scheduling.solvers.caching.flow import Flow
from scheduling.solvers.caching.greedy import Greedy
from scheduling.solvers.caching.mip import Mip
from scheduling.solvers.sideways import beside


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    Belady's rule and the greedy one answer at once. The flow ends the search where sizes are equal;
    where they are not it gives the bound and a solution near it, and the exact solvers go on.
    """

    name = "auto"
    summary = "portfolio: Belady's rule, greedy, flow of least cost, CP-SAT and MIP"

    def search(
        self, data: CompiledCaching, board: Board[Flags], budget: Budget, hint: Flags | None
    ) -> None:
        """Improve value and bound."""
        for rule in (Belady(), Greedy(), Flow()):
            if not board.stopped and budget.remaining() != 0 and rule.refusal(data) is None:
                rule.search(data, board, budget, hint)
        beside((CpSat(), Mip()), data, board, budget, hint)
