"""Solver ``cp-sat``: optional intervals in the room of the cache."""

from __future__ import annotations

from scheduling.models.caching.arrays import Flags
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.caching.family import CompiledCaching

LARGEST_GAPS = 50_000
"""Most intervals that one model may have."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), optional intervals: exact, proves optimality"

    def refusal(self, data: CompiledCaching) -> str | None:
        """Refuse models that would not be solved in any time."""
        gaps = data.arrays.n_gaps
        if gaps > LARGEST_GAPS:
            return f"{gaps} gaps between uses, above {LARGEST_GAPS}; use flow"
        return None

    def search(
        self, data: CompiledCaching, board: Board[Flags], budget: Budget, hint: Flags | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.caching.formulation import Formulation
        from scheduling.solvers.cpsat.posting import BoardRun

        formulation = Formulation(data.arrays)
        if board.bound is not None:
            formulation.cost_is_at_least(board.bound)
        run = BoardRun(board, self.name, formulation.kept, data.values)
        run.whole(formulation, budget, hint)
