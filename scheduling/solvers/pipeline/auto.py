"""Solver ``auto``: RoundPipe's window, then all caps."""

from __future__ import annotations

from scheduling.models.pipeline.arrays import Cut
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.pipeline.caps import Caps, Window
from scheduling.solvers.pipeline.family import CompiledPipeline


class Auto(NeedsNothing, TakesAll):
    """The window answers at once; all caps prove the best cut."""

    name = "auto"
    summary = "portfolio: caps within RoundPipe's window, then all caps"

    def search(
        self, data: CompiledPipeline, board: Board[Cut], budget: Budget, hint: Cut | None
    ) -> None:
        """Improve value and bound."""
        for solver in (Window(), Caps()):
            if not board.stopped:
                solver.search(data, board, budget, hint)
