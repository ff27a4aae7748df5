"""Solver ``cp-sat``: intervals that grow, under the memory."""

from __future__ import annotations

from scheduling.models.batching.arrays import Plan
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.batching.family import CompiledBatching
from scheduling.solvers.board import Board, Budget

LARGEST_TOKENS = 20_000
"""Most tokens of all answers in one model, each an interval."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), growing intervals: exact, proves small problems"

    def refusal(self, data: CompiledBatching) -> str | None:
        """Refuse models that would not be solved in any time."""
        tokens = int(data.arrays.output.sum())
        if tokens > LARGEST_TOKENS:
            return f"{tokens} tokens of answers, above {LARGEST_TOKENS}; use local-search"
        return None

    def search(
        self, data: CompiledBatching, board: Board[Plan], budget: Budget, hint: Plan | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.batching.formulation import Formulation
        from scheduling.solvers.cpsat.posting import BoardRun

        formulation = Formulation(data.arrays)
        if board.bound is not None:
            formulation.value_is_at_least(board.bound)
        run = BoardRun(board, self.name, formulation.plan, data.values)
        run.whole(formulation, budget, hint)
