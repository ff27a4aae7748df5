"""Solver ``auto``: spraying, few splits, then the fewest."""

from __future__ import annotations

from scheduling.models.spines.arrays import Parts
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.family import CompiledSpines
from scheduling.solvers.spines.mip import Mip
from scheduling.solvers.spines.policies import Spray
from scheduling.solvers.spines.spreading import FewSplits


class Auto(NeedsNothing, TakesAll):
    """Spraying has the least congestion at once; few splits come next, the program proves them."""

    name = "auto"
    summary = "portfolio: spraying, few splits, mixed-integer program"

    def search(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, hint: Parts | None
    ) -> None:
        """Improve value and bound."""
        if board.tier == 0:
            Spray().search(data, board, budget, hint)
            return
        FewSplits().search(data, board, budget, hint)
        program = Mip()
        if not board.stopped and program.availability() and program.refusal(data) is None:
            program.search(data, board, budget, hint)
