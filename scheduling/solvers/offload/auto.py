"""Solver ``auto``: rules, convex relaxations, moves, then the relaxation with cuts."""

from __future__ import annotations

from scheduling.models.offload.problem import Assignment
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.offload.cpsat import CpSat
from scheduling.solvers.offload.family import CompiledOffload
from scheduling.solvers.offload.moves import Moves
from scheduling.solvers.offload.policies import Greedy, LeastLoaded
from scheduling.solvers.offload.relaxation import raise_bound

_FEW = 12
"""Tasks up to which CP-SAT proves the best before relaxations would bound it."""


class Auto(NeedsCpSat, TakesAll):
    """Rules answer at once, relaxations bound them, moves improve them, CP-SAT proves the best."""

    name = "auto"
    summary = "portfolio: least marginal cost, least load, relaxations, moves, CP-SAT with cuts"

    def search(
        self,
        data: CompiledOffload,
        board: Board[Assignment],
        budget: Budget,
        hint: Assignment | None,
    ) -> None:
        """Improve value and bound."""
        for rule in (LeastLoaded(), Greedy()):
            if not board.stopped and rule.refusal(data) is None:
                rule.search(data, board, budget.part(0.2), hint)
        exact = CpSat()
        proves = not board.stopped and exact.refusal(data) is None
        if not board.stopped and not (proves and len(data.arrays.tasks) <= _FEW):
            raise_bound(data.arrays, board, budget.part(0.2), self.name)
        if not board.stopped:
            Moves().search(data, board, budget.part(0.2 if proves else 1.0), hint)
        if proves and not board.stopped:
            exact.search(data, board, budget, hint)
