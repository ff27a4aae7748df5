"""Solver ``cp-sat``: the whole expert placement as one CP-SAT model."""

from __future__ import annotations

from scheduling.models.experts.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.family import CompiledExperts

LARGEST_CELLS = 100_000
"""Most variables for copies that one model may have."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact.

    One work unit is one unit of CP-SAT's deterministic time.
    """

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) on numbers of copies: exact, proves optimality"

    def refusal(self, data: CompiledExperts) -> str | None:
        """Refuse models that would not be solved in any time."""
        devices, experts = data.arrays.held.shape
        cells = devices * experts * (int(data.arrays.slots.sum()) - experts + 1)
        if cells > LARGEST_CELLS:
            return f"{cells} variables for copies, above {LARGEST_CELLS}; use auto"
        return None

    def search(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.experts.formulation import Formulation

        arrays = data.arrays
        formulation = Formulation(arrays)
        tiers = {"load": formulation.load, "bytes": formulation.bytes}
        for goal, cap in zip(arrays.goals, board.caps, strict=False):
            formulation.model.add(tiers[goal] <= cap)
        if arrays.limit is not None:
            formulation.model.add(formulation.load <= arrays.limit)
        formulation.model.minimize(tiers[arrays.goals[board.tier]])
        run = BoardRun(board, self.name, formulation.counts, data.values)
        run.whole(formulation, budget, hint)
