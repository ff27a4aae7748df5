"""Solver ``moves``: tasks go to other servers, one or two at a time, while that is better."""

from __future__ import annotations

import numpy as np

from scheduling.models.offload.problem import Assignment
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.offload.family import CompiledOffload, offer
from scheduling.solvers.offload.policies import Greedy, LeastLoaded

_MOVES_PER_UNIT = 2000
_PATIENCE = 4
"""Moves in a row without a better value, over those that there are, after which the search ends."""


class Moves(NeedsNothing, TakesAll):
    """Random moves of one or two tasks from the assignment of a rule, kept while they are better.

    One work unit is 2000 moves.
    """

    name = "moves"
    summary = "a rule, then moves of one or two tasks while they are better"

    def search(
        self,
        data: CompiledOffload,
        board: Board[Assignment],
        budget: Budget,
        hint: Assignment | None,
    ) -> None:
        """Improve the best assignment."""
        for rule in (LeastLoaded(), Greedy()):
            if board.best is None and rule.refusal(data) is None:
                rule.search(data, board, budget, hint)
        rows = data.arrays.tasks
        free = [task for task, row in enumerate(rows) if len(row) > 1]
        if not free:
            return
        rng = np.random.default_rng(budget.seed)
        left = None if budget.work is None else int(budget.work * _MOVES_PER_UNIT)
        vain, most = 0, _PATIENCE * sum(len(row) for row in rows) ** 2
        while vain < most and board.best is not None and not board.stopped:
            if left == 0 or budget.remaining() == 0:
                return
            left = None if left is None else left - 1
            moved = list(board.best)
            for task in rng.choice(free, size=1 + int(rng.integers(2))).tolist():
                moved[task] = int(rng.integers(len(rows[task])))
            vain = 0 if offer(data, board, tuple(moved), self.name) else vain + 1
