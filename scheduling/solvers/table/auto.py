"""Solver ``auto``: a sorted table, the group recursion, then the program."""

from __future__ import annotations

from scheduling.models.table.arrays import Lines
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable
from scheduling.solvers.table.grouping import AsIs, GroupRecursion, Sorted
from scheduling.solvers.table.mip import Mip


class Auto(NeedsNothing, TakesAll):
    """The rules answer at once, the program improves and proves."""

    name = "auto"
    summary = "portfolio: as it is, sorted, group recursion, MIP"

    def search(
        self, data: CompiledTable, board: Board[Lines], budget: Budget, hint: Lines | None
    ) -> None:
        """Improve value and bound."""
        for solver in (AsIs(), Sorted(), GroupRecursion(), Mip()):
            if not board.stopped:
                solver.search(data, board, budget, hint)
