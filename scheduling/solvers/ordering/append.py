"""Solver ``append``: the transaction that ends first comes next."""

from __future__ import annotations

import numpy as np

from scheduling.models.ordering.arrays import OrderingArrays
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.family import CompiledOrdering, Order, offer

_APPENDED = 10_000
"""Most transactions that are appended in all, beyond the first order."""


class Append(NeedsNothing, TakesAll):
    """Append the transaction that ends first, from every first one where they are not too many.

    Of those that end alike, the one that starts first. The benchmark's baseline does so among ten
    that it samples.
    """

    name = "append"
    summary = "greedy: appends what ends first, from every first transaction"

    def search(
        self,
        data: CompiledOrdering,
        board: Board[Order],
        budget: Budget,
        hint: Order | None,  # noqa: ARG002
    ) -> None:
        """Post the best order that the rule gives."""
        count = data.arrays.n_transactions
        for first in range(max(1, min(count, _APPENDED // count))):
            if first and (board.stopped or budget.remaining() == 0):
                return
            offer(data, board, appended(data.arrays, first), self.name)


def appended(arrays: OrderingArrays, first: int) -> Order:
    """Return the order of the rule behind a first transaction."""
    count = arrays.n_transactions
    left = np.arange(count) != first
    order = [first]
    start = 1
    begins = np.ones(count, np.int64)
    while left.any():
        begins = np.maximum(begins, start + arrays.lag[order[-1]])
        waiting = np.flatnonzero(left)
        ends = begins[waiting] + arrays.length[waiting]
        pick = int(waiting[np.lexsort((begins[waiting], ends))[0]])
        start = int(begins[pick])
        order.append(pick)
        left[pick] = False
    return tuple(order)
