"""Solver ``mip``: the fewest splits at the least congestion, a binary for each flow and spine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.spines.arrays import Parts, SpineArrays
from scheduling.models.spines.bounds import leaf_splits, splits_bound
from scheduling.models.spines.problem import STEP
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.program import ProgramSolver
from scheduling.solvers.spines.family import CompiledSpines, offer, too_many_shares
from scheduling.solvers.spines.shares import shares_of, spread
from scheduling.solvers.spines.spreading import FewSplits

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats

LARGEST_CELLS = 100_000
"""Most flows times spines of one program."""

_HALF = 0.5


class Mip(ProgramSolver):
    """Shares of flows on spines, with links that carry the least congestion at most."""

    def refusal(self, data: CompiledSpines) -> str | None:
        """Refuse programs that would not be solved in any time."""
        return too_many_shares(data, LARGEST_CELLS)

    def search(
        self, data: CompiledSpines, board: Board[Parts], budget: Budget, hint: Parts | None
    ) -> None:
        """Bring about the least congestion, then the fewest splits at it."""
        if board.tier == 0:
            FewSplits().search(data, board, budget, hint)
            return
        arrays = data.arrays
        if board.caps[0] > data.arrays.least:
            return
        board.raise_bound(splits_bound(arrays), "formula")
        if board.stopped:
            return
        model, uses = _program(arrays)

        def post(values: Floats) -> None:
            parts = spread(arrays, values[uses] > _HALF)
            if parts is not None:
                offer(data, board, parts, self.name)

        start = None
        if board.best is not None:
            share = shares_of(arrays, board.best)
            start = np.concatenate((share.ravel(), share.ravel() > 0)).astype(np.float64)
        self.run(model, post, board, budget, start)


def _program(arrays: SpineArrays) -> tuple[LinearModel, NDArray[np.int64]]:
    """Return the program, whose objective is the splits, and its binaries."""
    count, spines = len(arrays.size), arrays.spines
    model = LinearModel("spines", offset=-float(count))
    share = model.add_columns("share", (count, spines), upper=1.0)
    uses = model.add_columns("uses", (count, spines), upper=1, cost=1.0, integer=True)
    flows = np.repeat(np.arange(count), spines)
    model.add_rows("whole", count, flows, share.ravel(), 1.0, lower=1.0, upper=1.0)
    cells = np.arange(count * spines)
    model.add_rows(
        "only where used",
        len(cells),
        np.concatenate((cells, cells)),
        np.concatenate((share.ravel(), uses.ravel())),
        np.concatenate((np.ones(len(cells)), -np.ones(len(cells)))),
        upper=0.0,
    )
    for side, needs in zip(arrays.leaves, leaf_splits(arrays), strict=True):
        for inside, need in zip(side, needs, strict=True):
            parts = float(len(inside) + need)
            model.add_rows("parts", 1, 0, uses[inside].ravel(), 1.0, lower=parts)
            row = np.tile(np.arange(spines), len(inside))
            value = np.repeat(arrays.size[inside] / arrays.limit, spines)
            # What counts as the least congestion is less than a step above it.
            limit = 1.0 + STEP
            model.add_rows("link", spines, row, share[inside].ravel(), value, upper=limit)
    return model, uses
