"""Solver ``cp-sat``: the chunk of each sequence."""

from __future__ import annotations

from scheduling.models.packing.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.packing.best_fit import best_fit
from scheduling.solvers.packing.family import CompiledPacking

LARGEST_CELLS = 100_000
"""Most pairs of a sequence and a chunk, about."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), a binary for each sequence and chunk: exact for hundreds"

    def refusal(self, data: CompiledPacking) -> str | None:
        """Refuse models that would not be solved in any time."""
        arrays = data.arrays
        chunks = -(-int(arrays.length.sum()) // arrays.size)
        cells = len(arrays.length) * chunks
        if cells > LARGEST_CELLS:
            return f"{cells} pairs of a sequence and a chunk, above {LARGEST_CELLS}; use best-fit"
        return None

    def search(
        self,
        data: CompiledPacking,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - one that is valid is on the board
    ) -> None:
        """Prove the best packing, starting from the best candidate."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.settings import sat_parameters
        from scheduling.solvers.packing.formulation import Formulation

        arrays = data.arrays
        start = board.best
        if start is None:
            start = best_fit(arrays)
            board.offer(start, data.values(start), self.name)
        if board.stopped or budget.remaining() == 0 or not len(arrays.length):
            return
        formulation = Formulation(arrays, start)
        if board.bound is not None:
            formulation.at_least(board.bound - arrays.own)
        run = BoardRun(board, self.name, formulation.packing, data.values)
        run.exact(formulation.model, sat_parameters(budget))
