"""Solver ``cp-sat``: exactly one level of each claim within the budget."""

from __future__ import annotations

import numpy as np

from scheduling.models.allocation.arrays import Ints
from scheduling.solvers.allocation.family import CompiledAllocation
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget

LARGEST_LEVELS = 100_000
"""Most levels of one model."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), one level of each claim: exact, proves optimality"

    def refusal(self, data: CompiledAllocation) -> str | None:
        """Refuse models that would not be solved in any time."""
        levels = data.arrays.n_levels
        return None if levels <= LARGEST_LEVELS else f"{levels} levels, above {LARGEST_LEVELS}"

    def search(
        self, data: CompiledAllocation, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from ortools.sat.python import cp_model

        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.running import set_hint
        from scheduling.solvers.cpsat.settings import sat_parameters

        arrays = data.arrays
        model = cp_model.CpModel()
        taken = [model.new_bool_var("") for _ in range(arrays.n_levels)]
        for first, end in zip(arrays.start[:-1].tolist(), arrays.start[1:].tolist(), strict=True):
            model.add_exactly_one(taken[first:end])
        spent = cp_model.LinearExpr.weighted_sum(taken, arrays.cost.tolist())
        model.add(spent <= arrays.budget)
        lost = cp_model.LinearExpr.weighted_sum(taken, (-arrays.gain).tolist())
        if board.bound is not None:
            model.add(lost >= board.bound)
        model.minimize(lost)
        start = board.known(hint)
        if start is not None:
            known = np.zeros(arrays.n_levels, np.int64)
            known[arrays.start[:-1] + start] = 1
            set_hint(model, known.tolist())

        def decode(values: list[int]) -> Ints:
            at = np.flatnonzero(np.array(values[: arrays.n_levels], np.int64))
            return np.asarray(at - arrays.start[:-1], np.int64)

        if board.stopped or budget.remaining() == 0:
            return
        run = BoardRun(board, self.name, decode, data.values)
        run.exact(model, sat_parameters(budget))
