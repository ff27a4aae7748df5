"""Solver ``auto``: descent, then CP-SAT and a program."""

from __future__ import annotations

from scheduling.models.tiers.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.sideways import beside
from scheduling.solvers.tiers.cpsat import CpSat
from scheduling.solvers.tiers.descent import Descent
from scheduling.solvers.tiers.family import CompiledTiers
from scheduling.solvers.tiers.mip import Mip

_DESCENT_SHARE = 0.1


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    The local search has a tenth of the time; it has all where the exact solvers refuse.
    """

    name = "auto"
    summary = "portfolio: descent, CP-SAT and MIP"

    def search(
        self, data: CompiledTiers, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Improve value and bound."""
        exact = (CpSat(), Mip())
        alone = all(solver.refusal(data) is not None for solver in exact)
        Descent().search(data, board, budget.part(1.0 if alone else _DESCENT_SHARE), hint)
        rest = budget if budget.work is None else budget.part(1.0 - _DESCENT_SHARE)
        beside(exact, data, board, rest, hint)
