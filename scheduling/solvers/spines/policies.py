"""Solvers by a rule: whole flows by lot, an equal part on every spine, the least loaded ones."""

from __future__ import annotations

from math import ceil

import numpy as np

from scheduling.models.spines.arrays import Part, Parts
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.family import CompiledSpines, offer

_QUARTER = 0.25


class Ecmp(NeedsNothing, TakesAll):
    """Every flow on one spine at random, by the seed."""

    name = "ecmp"
    summary = "whole flows on spines at random, as ECMP's hash does"

    def search(
        self,
        data: CompiledSpines,
        board: Board[Parts],
        budget: Budget,
        hint: Parts | None,  # noqa: ARG002
    ) -> None:
        """Post one draw."""
        arrays = data.arrays
        rng = np.random.default_rng(budget.seed)
        spines = rng.integers(arrays.spines, size=len(arrays.size)).tolist()
        rows = zip(range(len(spines)), spines, arrays.size.tolist(), strict=True)
        offer(data, board, tuple(Part(*row) for row in rows), self.name)


class Spray(OnePass):
    """An equal part of every flow on every spine: the least congestion, and the most splits."""

    name = "spray"
    summary = "an equal part of every flow on every spine"

    def post(self, data: CompiledSpines, board: Board[Parts]) -> None:
        """Post it."""
        arrays = data.arrays
        parts = tuple(
            Part(number, spine, size / arrays.spines)
            for number, size in enumerate(arrays.size.tolist())
            for spine in range(arrays.spines)
        )
        offer(data, board, parts, self.name)


class LeastLoaded(OnePass):
    """The longest flows first, on the spines whose busier link of the two has least.

    A flow of more than a quarter of what a link carries at least is in equal parts of up to that.
    """

    name = "least-loaded"
    summary = (
        "the longest flows first, where the busier of both links has least; long ones in parts"
    )

    def post(self, data: CompiledSpines, board: Board[Parts]) -> None:
        """Post where they go."""
        arrays = data.arrays
        up, down = (np.zeros((len(held), arrays.spines)) for held in arrays.leaves)
        longest = _QUARTER * arrays.limit
        parts = []
        for flow in np.argsort(-arrays.size, kind="stable").tolist():
            source, target = (side[flow] for side in arrays.ends)
            size = float(arrays.size[flow])
            count = min(arrays.spines, max(1, ceil(size / longest)))
            busier = np.maximum(up[source], down[target])
            for spine in np.argsort(busier, kind="stable")[:count].tolist():
                up[source, spine] += size / count
                down[target, spine] += size / count
                parts.append(Part(flow, spine, size / count))
        offer(data, board, tuple(parts), self.name)
