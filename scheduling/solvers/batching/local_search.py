"""Solver ``local-search``: better orders in which requests take the earliest place that fits."""

from __future__ import annotations

import numpy as np

from scheduling.models.batching.arrays import Plan
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.batching.family import CompiledBatching, offer
from scheduling.solvers.batching.policies import RULES
from scheduling.solvers.batching.timeline import in_order
from scheduling.solvers.board import Board, Budget

PLANS_PER_UNIT = 100
"""Orders that are played for one unit of work."""

_FAR = 0.25


class LocalSearch(NeedsNothing, TakesAll):
    """Moves one request in the order, or swaps two, and keeps what is no worse.

    Plans in which each request starts as early as it fits hold a best one of every objective.
    Unit of work: 100 plans.
    """

    name = "local-search"
    summary = "moves and swaps in the order of starts, from the best of the rules"

    def search(
        self, data: CompiledBatching, board: Board[Plan], budget: Budget, hint: Plan | None
    ) -> None:
        """Improve the best known plan until the budget is spent."""
        arrays = data.arrays
        for rule in RULES:
            rule.search(data, board, budget, hint)
        best = board.best
        if best is None or arrays.n < 2:
            return
        draws = np.random.default_rng(budget.seed)
        order = np.argsort(best.starts, kind="stable").tolist()
        value = data.values(best)
        left = None if budget.work is None else int(budget.work * PLANS_PER_UNIT)
        while not board.stopped and budget.remaining() != 0 and left != 0:
            left = None if left is None else left - 1
            tried = _neighbour(order, draws)
            plan = in_order(arrays, tried)
            found = data.values(plan)
            if found <= value:
                order, value = tried, found
                offer(data, board, plan, self.name)


def _neighbour(order: list[int], draws: np.random.Generator) -> list[int]:
    """Move a request to another place, mostly a near one, or swap two."""
    count = len(order)
    found = list(order)
    place = int(draws.integers(count))
    if draws.random() < _FAR:
        other = int(draws.integers(count))
    else:
        other = int(np.clip(place + draws.integers(-5, 6), 0, count - 1))
    if draws.random() < 0.5:
        found[place], found[other] = found[other], found[place]
    else:
        found.insert(other, found.pop(place))
    return found
