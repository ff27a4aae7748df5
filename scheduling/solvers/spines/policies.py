"""Solvers ``ecmp`` and ``spray``: whole flows by lot, and an equal part on every spine."""

from __future__ import annotations

import numpy as np

from scheduling.models.spines.arrays import Part, Parts
from scheduling.solvers.bases import NeedsNothing, OnePass, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.family import CompiledSpines, offer


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
