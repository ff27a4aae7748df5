"""Solver ``descent``: tensors change places while the program gets faster."""

from __future__ import annotations

import numpy as np

from scheduling.models.tiers.arrays import Ints
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.tiers.density import hot_first
from scheduling.solvers.tiers.family import CompiledTiers, offer
from scheduling.solvers.tiers.placing import Placing

_TRIES_PER_UNIT = 2000


class Descent(NeedsNothing, TakesAll):
    """From the densest placement, one tensor after the other takes its best place.

    A tensor is tried for its whole life in each memory, and between its uses in another memory
    than around them. Where nothing helps, a few random tensors go back to where there is most room,
    and it goes on from there. One unit of work is 2000 tries.
    """

    name = "descent"
    summary = "local search: each tensor its best place, also copied between its uses"

    def search(
        self,
        data: CompiledTiers,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002
    ) -> None:
        """Improve the placement."""
        placing = hot_first(data, lambda: board.stopped or budget.remaining() == 0)
        offer(data, board, placing.memories, self.name)
        rng = np.random.default_rng(budget.seed)
        tries = None if budget.work is None else int(budget.work * _TRIES_PER_UNIT)
        used, calm = 0, 0
        best = (placing.excess, placing.total)
        kept = placing.memories.copy()

        def over() -> bool:
            spent = tries is not None and used >= tries
            return spent or board.stopped or budget.remaining() == 0

        while not over() and calm < _PATIENCE:
            for tensor in rng.permutation(data.arrays.n_tensors).tolist():
                if over():
                    break
                used += _improve(placing, tensor)
            reached = (placing.excess, placing.total)
            if reached < best:
                best, kept, calm = reached, placing.memories.copy(), 0
                offer(data, board, kept, self.name)
                continue
            calm += 1
            for tensor in range(data.arrays.n_tensors):
                placing.put(tensor, kept[tensor])
            for tensor in rng.integers(0, data.arrays.n_tensors, _KICKS).tolist():
                rows = placing.rows(tensor)
                placing.put(tensor, rows[int(rng.integers(len(rows)))])


_PATIENCE = 30
_KICKS = 3


def _improve(placing: Placing, tensor: int) -> int:
    """Give a tensor its best row; return how many were tried."""
    best, pick = (placing.excess, placing.total), None
    rows = placing.rows(tensor)
    for row in rows:
        tried = placing.tried(tensor, row)
        if tried is not None and tried < best:
            best, pick = tried, row
    if pick is not None:
        placing.put(tensor, pick)
    return len(rows) + 1
