"""Solver ``cp-sat``: every operator an interval on the machine."""

from __future__ import annotations

from scheduling.models.prefill.arrays import Pieces
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.prefill.family import CompiledPrefill

LARGEST_OPERATORS = 3000
"""Most operators of one model."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact for whole operators. One work unit is one of its own."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), an interval an operator: exact for whole operators"

    def refusal(self, data: CompiledPrefill) -> str | None:
        """Refuse models that would not be solved in any time."""
        operators = int(data.arrays.operators.sum())
        if operators > LARGEST_OPERATORS:
            return f"{operators} operators, above {LARGEST_OPERATORS}; use intervals"
        return None

    def search(
        self, data: CompiledPrefill, board: Board[Pieces], budget: Budget, hint: Pieces | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.prefill.formulation import Formulation

        formulation = Formulation(data.arrays)
        if board.bound is not None:
            formulation.value_is_at_least(board.bound)
        run = BoardRun(board, self.name, formulation.pieces, data.values)
        run.whole(formulation, budget, hint)
