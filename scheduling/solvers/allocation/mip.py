"""Solver ``mip``: a binary for each level, as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.allocation.arrays import Ints
from scheduling.solvers.allocation.family import CompiledAllocation, offer
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats

LARGEST_LEVELS = 300_000
"""Most levels of one program."""


class Mip(ProgramSolver):
    """One level of each claim within the budget; its relaxation is the bound by formula."""

    def refusal(self, data: CompiledAllocation) -> str | None:
        """Refuse programs that would not be solved in any time."""
        levels = data.arrays.n_levels
        return None if levels <= LARGEST_LEVELS else f"{levels} levels, above {LARGEST_LEVELS}"

    def search(
        self, data: CompiledAllocation, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.linear.model import LinearModel

        arrays = data.arrays
        model = LinearModel("allocation")
        n, owner, ones = arrays.n_levels, arrays.owner, np.ones(arrays.n_levels)
        chosen = model.add_columns(
            "chosen", n, upper=1, cost=-arrays.gain.astype(np.float64), integer=True
        )
        model.add_rows("claim", arrays.n_claims, owner, chosen, ones, lower=1, upper=1)
        model.add_rows("budget", 1, np.zeros(n), chosen, arrays.cost, upper=arrays.budget)

        def post(values: Floats) -> None:
            order = np.lexsort((values, owner))
            offer(data, board, order[arrays.start[1:] - 1] - arrays.start[:-1], self.name)

        known = board.known(hint)
        start = None
        if known is not None:
            start = np.zeros(n)
            start[arrays.start[:-1] + known] = 1.0
        self.run(model, post, board, budget, start)
