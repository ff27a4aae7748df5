"""Solver ``cp-sat``: the whole placement as one CP-SAT model of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement, size_refusal

if TYPE_CHECKING:
    from scheduling.solvers.cpsat.settings import Settings

LARGEST_VALUE = 2**50
"""Values of tiers stay below this."""

LARGEST_CELLS = 2_000_000
"""Most pairs of class and node that one model may have."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact, any problem of the family.

    Parameters
    ----------
    settings
        How to search; default: CP-SAT's own choice for the budget's workers. One work unit is one
        unit of CP-SAT's deterministic time.
    """

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) on numbers of equal items: exact, proves optimality"

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Refuse models that would not fit into memory."""
        return size_refusal(data, LARGEST_CELLS)

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.placement.cpsat.model import Formulation

        arrays = data.arrays
        formulation = Formulation(arrays, board.caps)
        most = LARGEST_VALUE if board.objective is None else min(board.objective, LARGEST_VALUE)
        # A variable from 0 on: CP-SAT states 0 as its bound until it has one.
        value = formulation.model.new_int_var(min(board.bound or 0, most), most, "")
        formulation.model.add(value >= formulation.tiers[board.tier])
        formulation.model.minimize(value)
        run = BoardRun(board, self.name, formulation.places, data.values)
        run.whole(formulation, budget, hint, self.settings)
