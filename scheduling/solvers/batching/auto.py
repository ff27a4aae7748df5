"""Solver ``auto``: rules, the linear relaxation, local search, then the exact solvers."""

from __future__ import annotations

from dataclasses import replace

from scheduling.models.batching.arrays import Plan
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.batching.cpsat import CpSat
from scheduling.solvers.batching.family import CompiledBatching
from scheduling.solvers.batching.local_search import LocalSearch
from scheduling.solvers.batching.lp import LinearBound
from scheduling.solvers.batching.mip import Mip
from scheduling.solvers.batching.policies import RULES, FcfsPeak
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.sideways import beside

_RELAXED = 0.5
_SEARCHED = 0.25
_UNITS = 0.5


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    The rules answer at once and the relaxation bounds them; local search takes a quarter of what is
    left, or 50 plans a request; then the program and CP-SAT start from the best plan.
    """

    name = "auto"
    summary = "portfolio: rules, linear relaxation, local search, MIP and CP-SAT"

    def search(
        self, data: CompiledBatching, board: Board[Plan], budget: Budget, hint: Plan | None
    ) -> None:
        """Improve value and bound."""
        for rule in (FcfsPeak(), *RULES):
            rule.search(data, board, budget, hint)
        if not board.stopped and LinearBound().refusal(data) is None:
            LinearBound().search(data, board, budget.part(_RELAXED), hint)
        if not board.stopped:
            part = budget.part(_SEARCHED)
            most = _UNITS * data.arrays.n
            work = most if part.work is None else min(part.work, most)
            LocalSearch().search(data, board, replace(part, work=work), hint)
        beside((CpSat(), Mip()), data, board, budget, hint)
