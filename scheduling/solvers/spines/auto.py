"""Solver ``auto``: whole flows, spraying, few splits, annealing, then the fewest."""

from __future__ import annotations

from typing import Any

from scheduling.models.spines.arrays import Parts
from scheduling.solvers.bases import NeedsNumba, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.spines.annealing import Annealing
from scheduling.solvers.spines.family import CompiledSpines
from scheduling.solvers.spines.mip import Mip
from scheduling.solvers.spines.policies import LeastLoaded, Spray
from scheduling.solvers.spines.spreading import FewSplits
from scheduling.solvers.warmup import Kernels

_SECONDS_PER_PART = 2e-5
"""What it takes to post, translate and check each part of a flow."""

_FEW_SHARE = 0.5
"""Of the time, for few splits, which large networks have only after long."""

_ANNEALING_SHARE = 0.6
"""Of the time, or the work, ahead of the program where one search runs after the other."""


class Auto(NeedsNumba, TakesAll):
    """Whole flows come first, then spraying, which has the least congestion, and few splits.

    Where an answer with a part of each flow on each spine would take longer than there is time,
    few splits take the place of spraying. Annealing saves splits, and the program proves them:
    beside it where there are workers, else behind it.
    """

    name = "auto"
    summary = "portfolio: whole flows, spraying, few splits, annealing, mixed-integer program"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:
        """Name the kernel of annealing."""
        return Annealing().kernels(data, budget)

    def search(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, hint: Parts | None
    ) -> None:
        """Improve value and bound."""
        if board.tier == 0:
            LeastLoaded().search(data, board, budget, hint)
            left, parts = budget.remaining(), len(data.arrays.size) * data.arrays.spines
            if not board.stopped and (left is None or parts * _SECONDS_PER_PART < left):
                Spray().search(data, board, budget, hint)
            elif not board.stopped:
                FewSplits().search(data, board, budget, hint)
            return
        FewSplits().search(data, board, budget.part(_FEW_SHARE), hint)
        if board.stopped or Annealing().refusal(data) is not None:
            return
        exact = Mip().refusal(data) is None
        if exact and budget.workers > 1 and budget.work is None:
            with Sideways() as side:
                one = budget.part(1.0, workers=1)
                side.start("annealing", lambda: Annealing().search(data, board, one, hint))
                others = budget.part(1.0, workers=budget.workers - 1)
                Mip().search(data, board, others, hint)
            return
        first = budget.part(_ANNEALING_SHARE if exact else 1.0)
        Annealing().search(data, board, first, hint)
        if exact and not board.stopped:
            rest = budget if budget.work is None else budget.part(1.0 - _ANNEALING_SHARE)
            Mip().search(data, board, rest, hint)
