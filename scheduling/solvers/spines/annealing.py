"""Solver ``annealing``: whole flows are annealed on spines, and programs split few of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.spines.arrays import Parts, SpineArrays
from scheduling.models.spines.bounds import splits_bound
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.family import CompiledSpines, offer, too_many_shares
from scheduling.solvers.spines.policies import Spray
from scheduling.solvers.spines.shares import Shares, prices, shares_of, spread
from scheduling.solvers.spines.spreading import FewSplits
from scheduling.solvers.warmup import Kernels, at_once, begin

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, Ints

LARGEST_CELLS = 2_000_000
"""Most flows times spines of a search."""

_LARGEST_PROGRAM = 100_000
"""Most of them in one program."""

_FIRST_SHARE = 0.5
"""Of the time, for few splits."""

_FLOW_STEPS, _MOST_STEPS = 1000, 500_000
"""Steps of one annealing, by flow and at most."""

_PART = 24
"""Flows that are spread anew at a time, about."""

_SPLIT = 0.5
"""Share of the leaves that are chosen for a flow that is split."""

_LEAST_PATIENCE = 8
"""Parts in a row that bring nothing before a round ends, at least; else as many as splits."""

_NOISE = (0.5, 1.0)
"""Standard deviations of the logarithm of prices that are drawn."""


class Annealing(NeedsNumba):
    """Whole flows first, few splits where they do not fit, then a few leaves at a time.

    A round puts whole flows on spines by simulated annealing, so that links carry little too much.
    A program takes that off them, with prices that make parts few. Then the flows of some leaves,
    where some are split, are spread anew by prices that are drawn, which stays where it splits no
    more (large neighbourhood search; Shaw, 1998). Every second round goes on so with the best
    parts. It begins with few splits. One unit of work is one round.
    """

    name = "annealing"
    summary = "whole flows annealed on spines, what does not fit split by linear programs"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernel."""
        return (ANNEALING,)

    def refusal(self, data: CompiledSpines) -> str | None:
        """Refuse problems whose shares would fill memory."""
        return too_many_shares(data, LARGEST_CELLS)

    def search(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, hint: Parts | None
    ) -> None:
        """Improve the parts until nothing of the budget is left."""
        if board.tier == 0:
            FewSplits().search(data, board, budget.part(_FIRST_SHARE), hint)
            if not board.stopped:
                # Few splits of large networks take long, and where flows are of sizes far apart
                # links may carry a step more.
                Spray().search(data, board, budget, hint)
            return
        arrays = data.arrays
        if board.caps[0] > arrays.least or board.best is None:
            return
        begin(self.kernels(data, budget))
        board.raise_bound(splits_bound(arrays), "formula")
        search = _Search(data, board, budget, self.name)
        best = shares_of(arrays, board.best)
        for number in count():
            if search.over or (budget.work is not None and number >= budget.work):
                return
            rng = np.random.default_rng((budget.seed, number))
            start = search.start(number, rng) if number % 2 == 0 else None
            if start is None or not search.post(start):
                start = best
            found = search.improved(start, rng)
            if _splits(found) <= _splits(best):
                best = found
            if board.objective is not None and board.objective < _splits(best):
                best = shares_of(arrays, board.best)


class _Search:
    """The steps of one search."""

    def __init__(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, name: str
    ) -> None:
        self._data, self._board, self._budget, self._name = data, board, budget, name
        self._programs = Shares(data.arrays, board, budget)
        self._rule = _least_overloaded(data.arrays)

    @property
    def over(self) -> bool:
        """Whether the search is to end."""
        return self._board.stopped or self._budget.remaining() == 0

    def start(self, number: int, rng: np.random.Generator) -> Floats | None:
        """Return shares of flows that are whole where they fit; the first ones come by a rule.

        ``None`` for too many flows, out of time, or as long as the kernel is not compiled.
        """
        arrays = self._data.arrays
        flows, spines = len(arrays.size), arrays.spines
        if flows * spines > _LARGEST_PROGRAM:
            return None
        place = self._rule
        if number:
            if not at_once((ANNEALING,), self._budget):
                return None
            from scheduling.solvers.spines.kernels.annealing import anneal

            ends = np.array((arrays.ends[0], arrays.ends[1]))
            ends[1] += len(arrays.leaves[0])
            steps = min(_MOST_STEPS, _FLOW_STEPS * flows)
            leaves = sum(map(len, arrays.leaves))
            place = anneal(self._programs.size, ends, leaves, spines, place, steps, rng)
        price = np.ones((flows, spines))
        price[np.arange(flows), place] = 0.0
        return self._programs.few(np.zeros_like(price), np.arange(flows), price)

    def improved(self, share: Floats, rng: np.random.Generator) -> Floats:
        """Spread the flows of some leaves at a time anew, as long as that often saves splits."""
        calm = 0
        while not self.over:
            split = np.flatnonzero(np.count_nonzero(share, axis=1) > 1)
            if calm > max(_LEAST_PATIENCE, len(split)) or not len(split):
                break
            flows = self._near(split, rng)
            noise = np.exp(rng.choice(_NOISE) * rng.standard_normal((len(flows), share.shape[1])))
            found = self._programs.few(share, flows, prices(share[flows]) * noise)
            calm += 1
            if found is None or _splits(found) > _splits(share):
                continue
            if _splits(found) < _splits(share):
                if not self.post(found):
                    continue
                calm = 0
            share = found
        return share

    def _near(self, split: Ints, rng: np.random.Generator) -> Ints:
        """Return the flows of both leaves of one that is split, and of leaves of some others."""
        arrays = self._data.arrays
        first = int(rng.choice(split))
        chosen = np.zeros(len(arrays.size), np.bool_)
        for ends, leaves in zip(arrays.ends, arrays.leaves, strict=True):
            chosen[leaves[ends[first]]] = True
        while chosen.sum() < min(_PART, len(chosen)):
            pool = split if rng.random() < _SPLIT else np.flatnonzero(~chosen)
            side = int(rng.integers(2))
            chosen[arrays.leaves[side][arrays.ends[side][int(rng.choice(pool))]]] = True
        return np.flatnonzero(chosen)

    def post(self, share: Floats) -> bool:
        """Post shares that split less than what is known; tell whether there is nothing wrong."""
        if self._board.objective is not None and _splits(share) >= self._board.objective:
            return True
        parts = spread(self._data.arrays, share > 0, self._budget.remaining())
        return parts is not None and offer(self._data, self._board, parts, self._name)


def _splits(share: Floats) -> int:
    return int(np.count_nonzero(share)) - len(share)


def _least_overloaded(arrays: SpineArrays) -> Ints:
    """Return spines of whole flows, the longest first, each where links carry least too much.

    Of spines that are as good, the fullest one.
    """
    up, down = (np.zeros((len(held), arrays.spines)) for held in arrays.leaves)
    place = np.zeros(len(arrays.size), np.int64)
    for flow in np.argsort(-arrays.size, kind="stable").tolist():
        source, target = (side[flow] for side in arrays.ends)
        size = arrays.size[flow] / arrays.limit
        there = up[source] + size, down[target] + size
        much = sum(np.maximum(load - 1.0, 0.0) for load in there)
        place[flow] = spine = int(np.lexsort((-sum(there), much))[0])
        up[source, spine] += size
        down[target, spine] += size
    return place


def _anneal() -> None:
    from scheduling.solvers.spines.kernels.annealing import anneal

    ends = np.array([[0, 0], [1, 1]])
    anneal(np.ones(2), ends, 2, 2, np.arange(2), 1, np.random.default_rng(0))


ANNEALING = Kernels("spines", _anneal)
