"""Solver ``cp-sat``: offsets as one CP-SAT model with no overlap in two dimensions."""

from __future__ import annotations

import numpy as np

from scheduling.models.memory.arrays import Ints, MemoryArrays
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.memory.family import CompiledMemory

LARGEST_PIECES = 20_000
"""Most rectangles that one model may have."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), rectangles that do not overlap: exact, proves optimality"

    def refusal(self, data: CompiledMemory) -> str | None:
        """Refuse models that would not be solved in any time."""
        count = sum(map(len, data.arrays.pieces))
        if count > LARGEST_PIECES:
            return f"{count} rectangles, above {LARGEST_PIECES}; use first-fit"
        return None

    def search(
        self, data: CompiledMemory, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.memory.formulation import Formulation

        formulation = Formulation(data.arrays, _ceiling(data.arrays))
        formulation.height_is_at_least(-(-(board.bound or 0) // data.arrays.unit))
        BoardRun(board, self.name, formulation.offsets, data.values).whole(
            formulation, budget, hint
        )


def _ceiling(arrays: MemoryArrays) -> int:
    """Return a height that is enough for some best allocation."""
    if arrays.capacity is not None:
        return arrays.capacity
    given = np.where(arrays.fixed >= 0, arrays.fixed, 0)
    return int(given.max() + (arrays.height + arrays.alignment).sum())
