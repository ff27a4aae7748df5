"""Solver ``auto``: a sorted table, the group recursion, trees, what rows share, the program."""

from __future__ import annotations

from typing import Any

from scheduling.models.table.arrays import Lines
from scheduling.solvers.bases import NeedsNumba, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable
from scheduling.solvers.table.fronts import Fronts
from scheduling.solvers.table.grouping import AsIs, GroupRecursion, Sorted
from scheduling.solvers.table.mip import Mip
from scheduling.solvers.table.trees import Trees
from scheduling.solvers.warmup import Kernels, begin

_FIRST_ROUNDS, _FIRST_SHARE = 2, 0.3
"""Of the trees ahead of the program, which is soon solved where it is small."""

_RULE_SHARE = 0.5
"""Of the group recursion, which takes seconds where there are 100,000 rows."""

_BOUND_SHARE = 0.3
_EXACT_SHARE = 0.7


class Auto(NeedsNumba, TakesAll):
    """The rules answer at once, trees improve that, fronts and the program bound, trees go on."""

    name = "auto"
    summary = "portfolio: as it is, sorted, group recursion, trees, MIP"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:
        """Name the kernels of the trees and the fronts."""
        return (*Trees().kernels(data, budget), *Fronts().kernels(data, budget))

    def search(
        self, data: CompiledTable, board: Board[Lines], budget: Budget, hint: Lines | None
    ) -> None:
        """Improve value and bound."""
        begin(self.kernels(data, budget))
        plan: tuple[tuple[Any, float], ...] = (
            (AsIs(), 1.0),
            (Sorted(), 1.0),
            (GroupRecursion(), _RULE_SHARE),
            (Trees(_FIRST_ROUNDS), _FIRST_SHARE),
            (Fronts(), _BOUND_SHARE),
            (Mip(), _EXACT_SHARE),
            (Trees(), 1.0),
        )
        for solver, share in plan:
            if not board.stopped:
                solver.search(data, board, budget.part(share), hint)
