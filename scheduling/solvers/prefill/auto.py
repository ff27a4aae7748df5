"""Solver ``auto``: the policies, the program over intervals, then CP-SAT."""

from __future__ import annotations

from scheduling.models.prefill.arrays import Pieces
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.prefill.cpsat import CpSat
from scheduling.solvers.prefill.family import CompiledPrefill
from scheduling.solvers.prefill.policies import POLICIES
from scheduling.solvers.prefill.program import Intervals


class Auto(NeedsCpSat, TakesAll):
    """The policies answer at once, the program bounds them; CP-SAT closes what operators leave."""

    name = "auto"
    summary = "portfolio: policies, program over intervals, CP-SAT"

    def search(
        self, data: CompiledPrefill, board: Board[Pieces], budget: Budget, hint: Pieces | None
    ) -> None:
        """Improve value and bound."""
        for rule in POLICIES:
            rule.search(data, board, budget, hint)
        if not board.stopped:
            Intervals().search(data, board, budget, hint)
        if not board.stopped and CpSat().refusal(data) is None:
            CpSat().search(data, board, budget, hint)
