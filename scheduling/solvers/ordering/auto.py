"""Solver ``auto``: greedy, the path's bound, CP-SAT, and annealing."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.annealing import Annealing
from scheduling.solvers.ordering.append import Append
from scheduling.solvers.ordering.cpsat import CpSat
from scheduling.solvers.ordering.family import CompiledOrdering, Order
from scheduling.solvers.ordering.path import Path

_PATH_SHARE, _EXACT_SHARE = 0.2, 0.5


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board, one after the other.

    CP-SAT soon closes batches with few conflicts; where nearly all transactions conflict the path
    gives the bound and annealing the order.
    """

    name = "auto"
    summary = "portfolio: greedy, path bound, CP-SAT, annealing"

    def prepare(self, data: Any) -> None:
        """Compile the kernel."""
        Annealing().prepare(data)

    def search(
        self, data: CompiledOrdering, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Improve value and bound."""
        Append().search(data, board, budget.part(_PATH_SHARE), hint)
        for solver, share in ((Path(), _PATH_SHARE), (CpSat(), _EXACT_SHARE)):
            if not board.stopped and solver.refusal(data) is None:
                solver.search(data, board, budget.part(share), board.best)
        if not board.stopped:
            Annealing().search(data, board, budget, board.best)
