"""Solver ``auto``: best fit, then CP-SAT where it takes the problem, patterns where not."""

from __future__ import annotations

from scheduling.models.packing.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.packing.best_fit import BestFit
from scheduling.solvers.packing.cpsat import CpSat
from scheduling.solvers.packing.family import CompiledPacking
from scheduling.solvers.packing.patterns import Patterns


class Auto(NeedsCpSat, TakesAll):
    """Portfolio on one board: best fit is often at the bound by formula at once."""

    name = "auto"
    summary = "portfolio: best fit, CP-SAT or patterns"

    def search(
        self, data: CompiledPacking, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Improve value and bound."""
        BestFit().search(data, board, budget, hint)
        if board.stopped:
            return
        if CpSat().refusal(data) is None:
            CpSat().search(data, board, budget, hint)
        elif Patterns().availability():
            Patterns().search(data, board, budget, hint)
