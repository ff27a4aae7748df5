"""Solver ``mip``: a mixed-integer program for each interval, on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.loop.arrays import Pipeline
from scheduling.models.loop.bounds import interval_bound
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver, run_on_board
from scheduling.solvers.linear.result import Listener, Outcome
from scheduling.solvers.loop.ascent import ascend, raise_length
from scheduling.solvers.loop.family import CompiledLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduling.solvers.linear.model import Floats
    from scheduling.solvers.loop.program import Program

LARGEST_SLOTS = 20_000
"""Most binaries for slots at the least interval."""

_GAP = 0.99


class Mip(ProgramSolver):
    """A program with a binary for each slot and warp of an operation: exact on small loops.

    With a work limit, each interval may spend it anew.
    """

    def refusal(self, data: CompiledLoop) -> str | None:
        """Refuse programs that would not be solved in any time."""
        arrays = data.arrays
        slots = arrays.n * max(1, arrays.n_warps) * interval_bound(arrays)
        if slots > LARGEST_SLOTS:
            return f"{slots} slots of operations, above {LARGEST_SLOTS}; use auto"
        return None

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Prove the interval, or find the least length at the interval of the first tier."""
        from scheduling.solvers.loop.program import Program

        arrays = data.arrays
        if board.tier == 1:
            raise_length(arrays, board)
            if not board.stopped:
                program = Program(arrays, board.caps[0], board.objective, shortest=True)
                self.run(program.model, _poster(self.name, data, board, program), board, budget)
            return

        def refutes(interval: int) -> bool:
            if budget.remaining() == 0:
                return False
            program = Program(arrays, interval, None, shortest=False)
            post = _poster(self.name, data, board, program)
            listener = Listener(post, lambda _: None, lambda: board.stopped)
            ended = run_on_board(self._engine(), program.model, listener, board, budget, _GAP)
            return ended is Outcome.INFEASIBLE

        ascend(arrays, board, self.name, refutes)


def _poster(
    name: str, data: CompiledLoop, board: Board[Pipeline], program: Program
) -> Callable[[Floats], None]:
    """Return what posts the candidate of a program's values."""

    def post(values: Floats) -> None:
        found = program.pipeline(values)
        board.offer(found, data.values(found), name)

    return post
