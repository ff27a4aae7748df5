"""Solver ``auto``: iterative modulo scheduling, then CP-SAT."""

from __future__ import annotations

from scheduling.models.loop.arrays import Pipeline
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.coarse import Coarse
from scheduling.solvers.loop.cpsat import CpSat
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.ims import Ims
from scheduling.solvers.loop.units import coarse_units

_FIRST_SHARE, _COARSE_SHARE = 0.2, 0.5


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    Iterative modulo scheduling answers first, often at the bound; loops of many cycles are searched
    in units of several cycles instead. CP-SAT refutes the intervals below, or finds a shorter one,
    and then the least length.
    """

    name = "auto"
    summary = "portfolio: iterative modulo scheduling or units of several cycles, CP-SAT"

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,
    ) -> None:
        """Improve value and bound."""
        small = CpSat().refusal(data) is None
        if small and coarse_units(data.arrays) != [1]:
            share = _COARSE_SHARE
            Coarse().search(data, board, budget.part(share), hint)
        else:
            share = _FIRST_SHARE
            if board.tier == 0:
                Ims().search(data, board, budget.part(share), hint)
        if not board.stopped and small:
            rest = budget if budget.work is None else budget.part(1 - share)
            CpSat().search(data, board, rest, hint)
