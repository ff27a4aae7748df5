"""Solver ``auto``: nearest nodes, then sets for few nodes; rotations and circuits for many."""

from __future__ import annotations

from scheduling.models.ring.arrays import Order
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ring.cpsat import CpSat
from scheduling.solvers.ring.family import CompiledRing
from scheduling.solvers.ring.nearest import Nearest
from scheduling.solvers.ring.rotations import Rotations
from scheduling.solvers.ring.subsets import Sets


class Auto(NeedsCpSat, TakesAll):
    """Nearest nodes answer at once; rings of rotated paths often reach the bound by formula."""

    name = "auto"
    summary = "portfolio: nearest nodes, sets of few nodes, rotated paths, circuits of CP-SAT"

    def search(
        self, data: CompiledRing, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Improve value and bound."""
        Nearest().search(data, board, budget.part(0.2), hint)
        exact = Sets()
        if exact.refusal(data) is None:
            if not board.stopped:
                exact.search(data, board, budget, hint)
            return
        for solver, share in ((Rotations(), 0.3), (CpSat(), 1.0)):
            if not board.stopped and solver.refusal(data) is None:
                solver.search(data, board, budget.part(share), hint)
