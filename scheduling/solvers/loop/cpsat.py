"""Solver ``cp-sat``: one CP-SAT model for each interval, the intervals in ascending order."""

from __future__ import annotations

from scheduling.models.loop.arrays import Pipeline
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.ascent import ascend, raise_length
from scheduling.solvers.loop.attempts import Attempts
from scheduling.solvers.loop.family import CompiledLoop

LARGEST_PARTS = 20_000
"""Most operations, reservations and dependences that one model may have."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) for each interval in turn: exact, proves optimality"

    def refusal(self, data: CompiledLoop) -> str | None:
        """Refuse models that would not be solved in any time."""
        arrays = data.arrays
        parts = arrays.n * (1 + arrays.n_warps) + len(arrays.reservations) + len(arrays.edges)
        if parts > LARGEST_PARTS:
            return f"{parts} operations, reservations and dependences, above {LARGEST_PARTS}"
        return None

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,
    ) -> None:
        """Prove the interval, or find the least length at the interval of the first tier."""
        arrays = data.arrays
        if board.tier == 1:
            raise_length(arrays, board)
            if not board.stopped and budget.remaining() != 0:
                self._shorten(data, board, budget)
            return
        attempts = Attempts(board, budget)

        def refutes(interval: int) -> bool:
            found, refuted = attempts.at(arrays, interval, hint)
            if found is not None:
                board.offer(found, data.values(found), self.name)
            return refuted

        ascend(arrays, board, self.name, refutes)

    def _shorten(self, data: CompiledLoop, board: Board[Pipeline], budget: Budget) -> None:
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.settings import sat_parameters
        from scheduling.solvers.loop.formulation import Formulation

        formulation = Formulation(data.arrays, board.caps[0], board.objective)
        formulation.at_least(board.bound or 0)
        formulation.shortest()
        if board.best is not None:
            formulation.hint(board.best)
        ending = BoardRun(board, self.name, formulation.pipeline, data.values)
        ending.exact(formulation.model, sat_parameters(budget))
