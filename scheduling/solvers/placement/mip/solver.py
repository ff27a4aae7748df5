"""Solver ``mip``: the whole placement as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.aims import UNLIMITED
from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.goals import most_of
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver, too_large
from scheduling.solvers.placement.construction import offer
from scheduling.solvers.placement.family import CompiledPlacement, size_refusal

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats

LARGEST_CELLS = 500_000
"""Most pairs of class and node that one program may have."""


class Mip(ProgramSolver):
    """A mixed-integer program over numbers of equal items: exact."""

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Refuse parts of nodes, products, and programs that would not fit into memory."""
        measure, gauge = data.arrays.fragment, data.arrays.aims.balance
        inside = measure is not None and measure.parts is not None
        inside = inside or (gauge is not None and gauge.columns is not None)
        if inside or any(data.arrays.parts.shares):
            return "does not know parts of nodes; use cp-sat"
        limited = bool(np.any(data.arrays.aims.tolerated != UNLIMITED))
        if limited or "interference" in data.arrays.goals:
            return "does not know interference, which is not linear; use cp-sat"
        if "fragmentation" in data.arrays.goals:
            return "does not know the goal fragmentation; use cp-sat"
        fullest = 0 if gauge is None else most_of(data.arrays, "balance")
        return size_refusal(data, LARGEST_CELLS) or too_large(fullest, "shares in millionths")

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Solve the tier of ``board``."""
        from scheduling.solvers.placement.mip.model import Program

        offer(data, board, data.arrays.now, self.name)
        if board.stopped:
            return
        program = Program(data.arrays, board.tier, board.caps)
        if program.model.n_columns == 0:
            board.raise_bound(int(program.model.offset), self.name)
            return

        def post(values: Floats) -> None:
            offer(data, board, program.places(values), self.name, exact=False)

        self.run(program.model, post, board, budget)
