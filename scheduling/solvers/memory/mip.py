"""Solver ``mip``: an order for every pair of blocks, as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.memory.arrays import Ints, MemoryArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver, too_large
from scheduling.solvers.memory.family import CompiledMemory
from scheduling.solvers.memory.first_fit import offer
from scheduling.solvers.memory.shape import n_pairs, shape_of

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel

LARGEST_PAIRS = 20_000
"""Most pairs of blocks, counted once for each section, that one program may have."""


class Mip(ProgramSolver):
    """A mixed-integer program with a binary for the order of each pair: exact on small problems.

    Source: the pairwise formulation of strip packing, as in Moffitt, "MiniMalloc", ASPLOS 2023.
    """

    def refusal(self, data: CompiledMemory) -> str | None:
        """Refuse programs that would not be solved in any time."""
        pairs = n_pairs(data.arrays)
        if pairs > LARGEST_PAIRS:
            return f"{pairs} pairs of buffers that are live together, above {LARGEST_PAIRS}"
        return too_large(_ceiling(data.arrays), "offsets")

    def search(
        self,
        data: CompiledMemory,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Solve."""
        from scheduling.solvers.linear.model import LinearModel

        model = LinearModel("memory")
        offsets = _state(data.arrays, model, board.bound or 0)
        step = data.arrays.alignment

        def post(values: Floats) -> None:
            offer(data, board, np.rint(values[offsets]).astype(np.int64) * step, self.name)

        self.run(model, post, board, budget)


def _ceiling(arrays: MemoryArrays) -> int:
    """Return a height that suffices wherever any does, in units."""
    given = int(np.maximum(arrays.fixed, 0).max())
    enough = int(given + (arrays.height + arrays.alignment).sum())
    return enough if arrays.capacity is None else min(enough, arrays.capacity)


def _state(arrays: MemoryArrays, model: LinearModel, bound: int) -> Ints:
    """State the program; return the columns of the offsets, in multiples of alignments."""
    ceiling = _ceiling(arrays)
    free = arrays.fixed < 0
    low = np.where(free, 0, arrays.fixed) // arrays.alignment
    high = np.where(free, ceiling - arrays.height, arrays.fixed) // arrays.alignment
    offsets = model.add_columns("offset", arrays.n_blocks, lower=low, upper=high, integer=True)
    height = model.add_columns(
        "height",
        1,
        lower=-(-bound // arrays.unit),
        upper=ceiling,
        cost=float(arrays.unit),
        integer=True,
    )
    shape = shape_of(arrays)
    first = np.repeat(np.arange(arrays.n_blocks), np.diff(shape.near_ptr))
    once = np.flatnonzero(first < shape.near)
    below = model.add_columns("below", len(once), upper=1, integer=True)
    n = np.arange(arrays.n_blocks)
    model.add_rows(
        "top",
        len(n),
        np.concatenate((n, n)),
        np.concatenate((np.broadcast_to(height, len(n)), offsets)),
        np.concatenate((np.ones(len(n)), -arrays.alignment)),
        lower=arrays.height,
    )
    i, j = first[once], shape.near[once]
    rows = np.arange(len(once))
    for label, a, b, size, sign in (
        ("first below", i, j, shape.above[once], 1.0),
        ("second below", j, i, shape.above[shape.mirror[once]], -1.0),
    ):
        # x_b - x_a >= size unless the other one is below, where it is at least -ceiling
        slack = ceiling + size
        right = size - slack if sign > 0 else size
        model.add_rows(
            label,
            len(once),
            np.concatenate((rows, rows, rows)),
            np.concatenate((offsets[b], offsets[a], below)),
            np.concatenate((arrays.alignment[b], -arrays.alignment[a], -sign * slack)),
            lower=right.astype(float),
        )
    return offsets
