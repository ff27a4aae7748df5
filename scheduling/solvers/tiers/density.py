"""Solver ``density``: what saves most by byte goes to the fastest memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.tiers.arrays import Ints
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.tiers.family import CompiledTiers, offer
from scheduling.solvers.tiers.placing import Placing


class Density(NeedsNothing, TakesAll):
    """Tensors by falling bytes used per byte and step of room, each to the fastest memory it fits.

    The rule of most compilers and of "hot first": a tensor stays where it is put for its whole life
    (one with a home from the first step to which it can be copied); nothing is tried again.
    """

    name = "density"
    summary = "hot first: tensors by use per room, each whole to the fastest memory with room"

    def search(
        self,
        data: CompiledTiers,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002
    ) -> None:
        """Post the one placement that the rule gives."""
        placing = hot_first(data, lambda: board.stopped or budget.remaining() == 0)
        offer(data, board, placing.memories, self.name)


def hot_first(data: CompiledTiers, over: Callable[[], bool]) -> Placing:
    """Place tensors by density; those that are left when the time is over stay where they are."""
    arrays = data.arrays
    placing = Placing(arrays)
    room = arrays.size * (arrays.end - arrays.start)
    fastest = np.argsort(-arrays.bandwidth, kind="stable").tolist()
    for tensor in np.argsort(-arrays.bytes.sum(axis=1) / room, kind="stable").tolist():
        if over():
            break
        start = int(arrays.start[tensor])
        for memory in fastest:
            row = placing.memories[tensor].copy()
            first = start if arrays.home[tensor] in (-1, memory) else start + 1
            row[first : int(arrays.end[tensor])] = memory
            tried = placing.tried(tensor, row)
            if tried is not None and tried[0] <= placing.excess:
                placing.put(tensor, row)
                break
    return placing
