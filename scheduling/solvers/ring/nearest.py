"""Solver ``nearest``: rings that go on to the fastest node left."""

from __future__ import annotations

import numpy as np

from scheduling.models.ring.arrays import Levels, Order
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ring.family import CompiledRing, offer


class Nearest(NeedsNothing, TakesAll):
    """From each node as the start, on to the fastest node left. One work unit is 100 starts."""

    name = "nearest"
    summary = "from each node on to the fastest node left"

    def search(
        self,
        data: CompiledRing,
        board: Board[Order],
        budget: Budget,
        hint: Order | None,  # noqa: ARG002
    ) -> None:
        """Post the ring of each start."""
        starts = data.arrays.nodes
        if budget.work is not None:
            starts = min(starts, max(1, int(100 * budget.work)))
        for start in range(starts):
            if board.stopped or (start and budget.remaining() == 0):
                return
            offer(data, board, _walk(data.arrays.level, start), self.name)


def _walk(level: Levels, start: int) -> Order:
    taken = np.zeros(len(level), dtype=bool)
    taken[start] = True
    order = [start]
    while len(order) < len(level):
        node = int(np.where(taken, -1, level[order[-1]]).argmax())
        taken[node] = True
        order.append(node)
    return tuple(order)
