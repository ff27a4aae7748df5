"""Solver ``auto``: greedy, the path's bound, CP-SAT, and annealing."""

from __future__ import annotations

from typing import Any

from scheduling.models.ordering.arrays import FREE
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.annealing import Annealing
from scheduling.solvers.ordering.append import Append
from scheduling.solvers.ordering.cpsat import CpSat
from scheduling.solvers.ordering.family import CompiledOrdering, Order
from scheduling.solvers.ordering.path import Path
from scheduling.solvers.warmup import Kernels, begin

_PATH_SHARE, _EXACT_SHARE = 0.25, 0.5
_DENSE, _DENSE_ANNEALING = 0.8, 0.8
_FIRST_SHARE, _FIRST_ROUNDS = 0.25, 4
"""Of the annealing ahead of CP-SAT, which closes batches sooner from a good order."""

_SMALL = 12
"""Transactions up to which CP-SAT closes batches whatever conflicts."""


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board, one after the other.

    CP-SAT soon closes batches that are small or have few conflicts, from the order of a short
    annealing; where nearly all transactions conflict the path gives the bound and annealing the
    order.
    """

    name = "auto"
    summary = "portfolio: greedy, path bound, CP-SAT, annealing"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:
        """Name the kernel of annealing."""
        return Annealing().kernels(data, budget)

    def search(
        self, data: CompiledOrdering, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Improve value and bound."""
        begin(self.kernels(data, budget))
        Append().search(data, board, budget.part(_PATH_SHARE), hint)
        for solver, share in _plan(data):
            if not board.stopped and solver.refusal(data) is None:
                solver.search(data, board, budget.part(share), board.best)


def _plan(data: CompiledOrdering) -> list[tuple[Any, float]]:
    """Return the solvers in their order, each with its share of what is left then."""
    count = data.arrays.n_transactions
    conflicts = int((data.arrays.lag != FREE).sum())
    if count > _SMALL and conflicts > _DENSE * count * (count - 1):
        return [(Path(), _PATH_SHARE), (Annealing(), _DENSE_ANNEALING), (CpSat(), 1.0)]
    return [
        (Path(), _PATH_SHARE),
        (Annealing(_FIRST_ROUNDS), _FIRST_SHARE),
        (CpSat(), _EXACT_SHARE),
        (Annealing(), 1.0),
    ]
