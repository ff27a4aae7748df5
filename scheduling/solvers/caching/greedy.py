"""Solver ``greedy``: keep what saves most by the room and time that it takes."""

from __future__ import annotations

from scheduling.models.caching.arrays import Flags
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer
from scheduling.solvers.caching.gaps import density, fill


class Greedy(OnePass):
    """Gaps by falling saving per room and time, each where it fits."""

    name = "greedy"
    summary = "knows the future: keeps what saves most by room and time"

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post the one solution that the rule gives."""
        offer(data, board, fill(data.arrays, density(data.arrays)), self.name)
