"""Solver ``auto``: iterative modulo scheduling, then CP-SAT."""

from __future__ import annotations

from scheduling.models.loop.arrays import Pipeline
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.cpsat import CpSat
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.ims import Ims

_FIRST_SHARE = 0.2


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    Iterative modulo scheduling answers first, often at the bound. CP-SAT refutes the intervals
    below its own, or finds a shorter one, and then the least length.
    """

    name = "auto"
    summary = "portfolio: iterative modulo scheduling, CP-SAT"

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,
    ) -> None:
        """Improve value and bound."""
        if board.tier == 0:
            Ims().search(data, board, budget.part(_FIRST_SHARE), hint)
        if not board.stopped and CpSat().refusal(data) is None:
            rest = budget if budget.work is None else budget.part(1.0 - _FIRST_SHARE)
            CpSat().search(data, board, rest, hint)
