"""Solvers of federated training: equal steps, steps that fit before the fastest, all arrivals."""

from __future__ import annotations

from heapq import heapify, heapreplace

from scheduling.models.federated.arrays import Steps
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.federated.family import CompiledFederated, offer

_ARRIVALS_PER_UNIT = 100_000


class Equal(OnePass):
    """The fewest steps for every client, which is what equal steps spread least with."""

    name = "equal"
    summary = "equal steps, the fewest"

    def post(self, data: CompiledFederated, board: Board[Steps]) -> None:
        """Post them."""
        offer(data, board, (data.arrays.least,) * len(data.arrays.seconds), self.name)


class Compass(OnePass):
    """FedCompass' first group: the fastest makes the most steps, others those that fit before it.

    Source: FedCompass, ICLR 2024, arXiv 2309.14675; clients for which too few fit make the fewest.
    """

    name = "compass"
    summary = "FedCompass: the most steps of the fastest, what fits before it of others"

    def post(self, data: CompiledFederated, board: Board[Steps]) -> None:
        """Post them."""
        arrays = data.arrays
        expected = arrays.most * min(arrays.seconds)
        steps = tuple(max(arrays.least, expected // each) for each in arrays.seconds)
        offer(data, board, steps, self.name)


class Sweep(NeedsNothing, TakesAll):
    """The first to arrive makes a further step as long as it may: exact.

    Every choice that is passed over has the same first arrival and a later last one. For n clients
    it takes ``O(n (most - least) log n)``. One work unit is 100,000 arrivals.
    """

    name = "sweep"
    summary = "a further step for the first to arrive, as long as it may: exact"

    def search(
        self,
        data: CompiledFederated,
        board: Board[Steps],
        budget: Budget,
        hint: Steps | None,  # noqa: ARG002
    ) -> None:
        """Post better steps, and in the end that there are none."""
        arrays = data.arrays
        steps = [arrays.least] * len(arrays.seconds)
        arrivals = [(arrays.least * each, k) for k, each in enumerate(arrays.seconds)]
        heapify(arrivals)
        last = max(arrival for arrival, _ in arrivals)
        left = None if budget.work is None else max(1, int(budget.work * _ARRIVALS_PER_UNIT))
        best: int | None = None
        while True:
            earliest, first = arrivals[0]
            if best is None or last - earliest < best:
                best = last - earliest
                offer(data, board, tuple(steps), self.name)
            if steps[first] == arrays.most:
                board.raise_bound(best, self.name)
                return
            steps[first] += 1
            later = steps[first] * arrays.seconds[first]
            last = max(last, later)
            heapreplace(arrivals, (later, first))
            left = None if left is None else left - 1
            if board.stopped or left == 0 or budget.remaining() == 0:
                return


class Auto(NeedsNothing, TakesAll):
    """FedCompass' rule answers at once, the sweep proves the least spread."""

    name = "auto"
    summary = "portfolio: FedCompass' rule, the sweep over arrivals"

    def search(
        self, data: CompiledFederated, board: Board[Steps], budget: Budget, hint: Steps | None
    ) -> None:
        """Improve value and bound."""
        for solver in (Compass(), Sweep()):
            if not board.stopped:
                solver.search(data, board, budget, hint)
