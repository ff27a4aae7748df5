"""Solver ``auto``: a sorted table, the group recursion, then all orders of small tables."""

from __future__ import annotations

from scheduling.models.table.arrays import Lines
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.dynamic import DynamicProgram
from scheduling.solvers.table.family import CompiledTable
from scheduling.solvers.table.grouping import AsIs, GroupRecursion, Sorted


class Auto(NeedsNothing, TakesAll):
    """The rules answer at once, the dynamic program proves small tables."""

    name = "auto"
    summary = "portfolio: as it is, sorted, group recursion, dynamic program"

    def search(
        self, data: CompiledTable, board: Board[Lines], budget: Budget, hint: Lines | None
    ) -> None:
        """Improve value and bound."""
        for solver in (AsIs(), Sorted(), GroupRecursion(), DynamicProgram()):
            if not board.stopped and solver.refusal(data) is None:
                solver.search(data, board, budget, hint)
