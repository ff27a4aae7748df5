"""Solver ``coarse``: CP-SAT on a loop in units of several cycles."""

from __future__ import annotations

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.models.loop.bounds import interval_bound
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.attempts import Attempts
from scheduling.solvers.loop.cpsat import CpSat
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.first import offer_first
from scheduling.solvers.loop.ims import Attempt
from scheduling.solvers.loop.memory import fits_memories
from scheduling.solvers.loop.units import coarse_units, coarsened, stretched

_SHARE = 0.6
"""Share of what is left that one unit may take."""


class Coarse(NeedsCpSat):
    """Iterative modulo scheduling and CP-SAT on the loop in units of several cycles.

    For loops whose operations take more than 300 cycles in all; others are searched as they are.
    One work unit is one unit of CP-SAT's deterministic time.
    """

    name = "coarse"
    summary = "CP-SAT on times rounded up to units of several cycles, for loops of long latencies"

    def refusal(self, data: CompiledLoop) -> str | None:
        """Refuse models that would not be solved in any time."""
        return CpSat().refusal(data)

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Post stretched pipelines of the coarse loop."""
        offer_first(data, board, self.name)
        units = coarse_units(data.arrays)
        for number, unit in enumerate(units):
            if board.stopped or budget.remaining() == 0:
                return
            coarse = coarsened(data.arrays, unit)
            part = budget if number == len(units) - 1 else budget.part(_SHARE)
            if board.tier == 0:
                self._shorten_interval(data, coarse, unit, board, part)
            elif board.caps[0] % unit == 0:
                self._shorten_length(data, coarse, unit, board, part)

    def _shorten_interval(
        self,
        data: CompiledLoop,
        coarse: LoopArrays,
        unit: int,
        board: Board[Pipeline],
        budget: Budget,
    ) -> None:
        attempts = Attempts(board, budget)
        for interval in range(interval_bound(coarse), coarse.longest_interval + 1):
            known = board.objective
            if board.stopped or (known is not None and unit * interval >= known):
                return
            found, refuted = Attempt(coarse, interval).run(), False
            if found is None or not fits_memories(coarse, found):
                found, refuted = attempts.at(coarse, interval)
            if found is not None:
                here = stretched(found, unit)
                board.offer(here, data.values(here), self.name)
            if not refuted:
                return

    def _shorten_length(
        self,
        data: CompiledLoop,
        coarse: LoopArrays,
        unit: int,
        board: Board[Pipeline],
        budget: Budget,
    ) -> None:
        def post(found: Pipeline) -> None:
            here = stretched(found, unit)
            board.offer(here, data.values(here), self.name)

        Attempts(board, budget).shortest(coarse, board.caps[0] // unit, post)
