"""Solver ``auto``: whole flows, spraying, few splits, then the fewest."""

from __future__ import annotations

from scheduling.models.spines.arrays import Parts
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.family import CompiledSpines
from scheduling.solvers.spines.mip import Mip
from scheduling.solvers.spines.policies import LeastLoaded, Spray
from scheduling.solvers.spines.spreading import FewSplits

_SECONDS_PER_PART = 2e-5
"""What it takes to post, translate and check each part of a flow."""


class Auto(NeedsNothing, TakesAll):
    """Whole flows come first, then spraying, which has the least congestion, and few splits.

    Where an answer with a part of each flow on each spine would take longer than there is time,
    few splits take the place of spraying. The program proves them.
    """

    name = "auto"
    summary = "portfolio: whole flows, spraying, few splits, mixed-integer program"

    def search(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, hint: Parts | None
    ) -> None:
        """Improve value and bound."""
        if board.tier == 0:
            LeastLoaded().search(data, board, budget, hint)
            left, parts = budget.remaining(), len(data.arrays.size) * data.arrays.spines
            if not board.stopped and (left is None or parts * _SECONDS_PER_PART < left):
                Spray().search(data, board, budget, hint)
            elif not board.stopped:
                FewSplits().search(data, board, budget, hint)
            return
        FewSplits().search(data, board, budget, hint)
        program = Mip()
        if not board.stopped and program.availability() and program.refusal(data) is None:
            program.search(data, board, budget, hint)
