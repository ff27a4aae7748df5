"""Solver ``sets``: a program over sets of nodes, exact for few of them."""

from __future__ import annotations

import numpy as np

from scheduling.models.ring.arrays import Levels, Order
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ring.family import CompiledRing, offer

MOST_NODES = 13
"""Most nodes: time and memory grow with ``2 ** n``."""


class Sets(NeedsNothing):
    """The program of Held and Karp (1962), with the slowest link in place of the length: exact."""

    name = "sets"
    summary = f"a program over sets of nodes: exact, up to {MOST_NODES} nodes"

    def refusal(self, data: CompiledRing) -> str | None:
        """Refuse more nodes than tables hold."""
        nodes = data.arrays.nodes
        return f"{nodes} nodes, above {MOST_NODES}; use auto" if nodes > MOST_NODES else None

    def search(
        self,
        data: CompiledRing,
        board: Board[Order],
        budget: Budget,
        hint: Order | None,  # noqa: ARG002
    ) -> None:
        """Post the best ring and that it is best."""
        order = _best(data.arrays.level, budget)
        if order is not None:
            offer(data, board, order, self.name)
            board.raise_bound(data.values(order)[0], self.name)


def _best(level: Levels, budget: Budget) -> Order | None:
    """Return the ring with the fastest slowest link; ``None`` when the time is up."""
    n = len(level) - 1
    between = level[1:, 1:]
    rate = np.full((1 << n, n), -1, np.int64)
    came = np.zeros((1 << n, n), dtype=np.int64)
    for last in range(n):
        rate[1 << last, last] = level[0, last + 1]
    for subset in range(1, 1 << n):
        if budget.remaining() == 0:
            return None
        for last in range(n):
            rest = subset & ~(1 << last)
            if rest in (subset, 0):
                continue
            slow = np.minimum(rate[rest], between[:, last])
            came[subset, last] = place = int(slow.argmax())
            rate[subset, last] = slow[place]
    subset = (1 << n) - 1
    last = int(np.minimum(rate[subset], level[1:, 0]).argmax())
    order = []
    while subset:
        order.append(last + 1)
        subset, last = subset & ~(1 << last), int(came[subset, last])
    return (0, *order[::-1])
