"""Solver ``auto``: greedy, then annealing beside the path's bound and CP-SAT."""

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
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, begin

_PATH_SHARE, _EXACT_SHARE = 0.25, 0.75
_DENSE, _DENSE_ANNEALING = 0.8, 0.8
_FIRST_SHARE, _FIRST_ROUNDS = 0.25, 1
"""Of the annealing ahead of CP-SAT, which closes batches sooner from a good order."""

_SMALL = 12
"""Transactions up to which CP-SAT closes batches whatever conflicts."""


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    The path bounds batches where nearly all transactions conflict, CP-SAT closes those with fewer
    conflicts, and annealing has the best orders of large ones. Annealing has a worker of its own,
    because further ones help CP-SAT little. With one worker, or a work limit, one search runs after
    the other: most of the time is for annealing where nearly all conflict, else for CP-SAT.
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
        if board.stopped:
            return
        if budget.workers == 1 or budget.work is not None:
            _one_by_one(_plan(data), data, board, budget)
            return
        with Sideways() as side:
            one = budget.part(1.0, workers=1)
            side.start("annealing", lambda: Annealing().search(data, board, one, board.best))
            others = budget.part(1.0, workers=budget.workers - 1)
            _one_by_one([(Path(), _PATH_SHARE), (CpSat(), 1.0)], data, board, others)


def _one_by_one(
    plan: list[tuple[Any, float]], data: CompiledOrdering, board: Board[Order], budget: Budget
) -> None:
    """Run solvers one after the other, each with its share of what is left then."""
    for solver, share in plan:
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
