"""Solver ``auto``: greedy, then column generation or both exact engines."""

from __future__ import annotations

from dataclasses import replace

from scheduling.models.serving.arrays import FleetPlan
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.serving.columns.solver import Columns
from scheduling.solvers.serving.cpsat.solver import CpSat
from scheduling.solvers.serving.family import CompiledServing
from scheduling.solvers.serving.greedy import start
from scheduling.solvers.serving.mip.solver import Mip
from scheduling.solvers.sideways import Sideways

SMALL = 600
"""Up to so many flows both engines take the whole at first."""

_WHOLE_SHARE = 0.1
"""Share of the time of both engines on the whole where several models can be priced one by one."""


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    ``greedy`` answers first. Small fleets, and those of one model, are then solved whole by MIP
    beside CP-SAT; with a work limit or one worker one comes after the other. What is larger, or of
    several models and not proven soon, goes to ``columns``.
    """

    name = "auto"
    summary = "portfolio: greedy, then column generation, or MIP beside CP-SAT"

    def search(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,
    ) -> None:
        """Improve value and bound side by side."""
        arrays = data.arrays
        start(data, board, budget)
        if len(set(arrays.model.tolist())) <= 1:
            self._whole(data, board, budget, hint)
            return
        if arrays.n_scenarios * len(arrays.arc_slot) <= SMALL:
            self._whole(data, board, budget.part(_WHOLE_SHARE), hint)
        if not board.stopped:
            Columns().search(data, board, budget, hint)

    def _whole(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,
    ) -> None:
        """Let both engines take the whole fleet."""
        if board.stopped:
            return
        if budget.work is not None or budget.workers == 1:
            Mip().search(data, board, budget.part(0.7), hint)
            if CpSat().refusal(data) is None:
                CpSat().search(data, board, budget.part(0.9), hint)
            return
        with Sideways() as side:
            if CpSat().refusal(data) is None:
                alone = replace(budget, workers=budget.workers - 1)
                side.start("cp-sat", lambda: CpSat().search(data, board, alone, hint))
            Mip().search(data, board, replace(budget, workers=1), hint)
