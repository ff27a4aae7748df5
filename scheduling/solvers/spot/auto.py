"""Solver ``auto``: the rules, then the dynamic program."""

from __future__ import annotations

from scheduling.models.spot.arrays import Runs
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spot.dynamic import DynamicProgram
from scheduling.solvers.spot.family import CompiledSpot
from scheduling.solvers.spot.rules import Greedy, OnDemand, UniformProgress


class Auto(NeedsNothing, TakesAll):
    """The rules answer at once, the dynamic program proves the least cost."""

    name = "auto"
    summary = "portfolio: on demand, greedy, uniform progress, dynamic program"

    def search(
        self, data: CompiledSpot, board: Board[Runs], budget: Budget, hint: Runs | None
    ) -> None:
        """Improve value and bound."""
        for solver in (OnDemand(), Greedy(), UniformProgress(), DynamicProgram()):
            if not board.stopped and solver.refusal(data) is None:
                solver.search(data, board, budget, hint)
