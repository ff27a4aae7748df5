"""Solver ``mip``: disjunctive or time-indexed mixed-integer programs on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats


class Mip(ProgramSolver):
    """A mixed-integer program: exact, for small and medium problems."""

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse problems that neither formulation can hold, and name the way out."""
        from scheduling.solvers.schedule.mip.choice import choose, too_large
        from scheduling.solvers.schedule.mip.frame import Frame

        reason = feature_refusal(data.arrays)
        if reason is not None:
            return reason
        frame = Frame.of(data.arrays)
        if frame is None or choose(frame, 0) is not None:
            return None
        return too_large(frame)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``."""
        from scheduling.solvers.schedule.mip.stating import state_tier

        formulation = state_tier(self.name, data.arrays, board)
        if formulation is None:
            return
        start = hint if board.best is None else board.best

        def post(values: Floats) -> None:
            candidate = formulation.decode(values)
            if candidate is not None:
                board.offer(candidate, data.values(candidate), self.name)

        values = None if start is None else formulation.encode(start)
        self.run(formulation.model, post, board, budget, values)
