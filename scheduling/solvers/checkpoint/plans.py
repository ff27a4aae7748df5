"""Solvers of checkpoints: Young's and Daly's formulas, and all plans that may be best."""

from __future__ import annotations

from scheduling.models.checkpoint.problem import CheckpointPlan
from scheduling.models.checkpoint.waste import (
    TIE,
    daly_plan,
    promising_plans,
    young_plan,
)
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.checkpoint.family import CompiledCheckpoint, offer

_PLANS_PER_UNIT = 10_000


class Young(OnePass):
    """Young's interval, at each level for the failures that it is there for (1974)."""

    name = "young"
    summary = "sqrt(2 * stall * mean time between failures), at each level"

    def post(self, data: CompiledCheckpoint, board: Board[CheckpointPlan]) -> None:
        """Post the plan."""
        offer(data, board, young_plan(data.problem), self.name)


class Daly(OnePass):
    """Daly's interval of higher order for the last level alone (2006)."""

    name = "daly"
    summary = "Daly's interval of higher order, with the last level alone"

    def post(self, data: CompiledCheckpoint, board: Board[CheckpointPlan]) -> None:
        """Post the plan."""
        offer(data, board, daly_plan(data.problem), self.name)


class Best(NeedsNothing, TakesAll):
    """Every plan that may waste least: exact. One work unit is 10,000 plans."""

    name = "best"
    summary = "all plans that may waste least: exact"

    def search(
        self,
        data: CompiledCheckpoint,
        board: Board[CheckpointPlan],
        budget: Budget,
        hint: CheckpointPlan | None,  # noqa: ARG002
    ) -> None:
        """Post better plans, and in the end that there is none."""
        left = None if budget.work is None else max(1, int(budget.work * _PLANS_PER_UNIT))
        least = float("inf")
        for plan, waste in promising_plans(data.problem):
            if waste <= least + TIE:
                offer(data, board, plan, self.name)
            least = min(least, waste)
            left = None if left is None else left - 1
            if board.stopped or left == 0 or budget.remaining() == 0:
                return
        if board.objective is not None:
            board.raise_bound(board.objective, self.name)


class Auto(NeedsNothing, TakesAll):
    """Both formulas, then all plans that may be better."""

    name = "auto"
    summary = "portfolio: Young's and Daly's formulas, all plans that may waste least"

    def search(
        self,
        data: CompiledCheckpoint,
        board: Board[CheckpointPlan],
        budget: Budget,
        hint: CheckpointPlan | None,
    ) -> None:
        """Improve value and bound."""
        for solver in (Young(), Daly(), Best()):
            if not board.stopped:
                solver.search(data, board, budget, hint)
