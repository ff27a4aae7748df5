"""Solver ``first-fit``: blocks one by one, each at the lowest free offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.memory.arrays import Ints, MemoryArrays
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.memory.family import CompiledMemory
from scheduling.solvers.memory.shape import MOST_PAIRS, n_pairs, shape_of
from scheduling.solvers.memory.warming import PACKING
from scheduling.solvers.warmup import Kernels, ready

if TYPE_CHECKING:
    from scheduling.solvers.memory.kernels.state import Shape


def too_many_pairs(data: CompiledMemory) -> str | None:
    """Refuse problems whose pairs of blocks would not fit into memory."""
    pairs = n_pairs(data.arrays)
    if pairs > MOST_PAIRS:
        return f"{pairs} pairs of buffers that are live together, above {MOST_PAIRS}"
    return None


def offer(data: CompiledMemory, board: Board[Ints], offsets: Ints, solver: str) -> bool:
    """Post offsets that stay within the capacity; tell whether they are the best so far."""
    arrays = data.arrays
    if arrays.capacity is not None and arrays.top(offsets) > arrays.capacity:
        return False
    return board.offer(offsets, data.values(offsets), solver)


def orders(arrays: MemoryArrays, shape: Shape) -> dict[str, Ints]:
    """Return orders in which blocks are placed well, the best one of the literature first.

    By falling size, area and largest total of a section of theirs, and by start. Source of the
    keys: Moffitt, "MiniMalloc", ASPLOS 2023.
    """
    start = np.array([part[0][0] for part in arrays.pieces], np.int64)
    width = np.array([part[-1][1] - part[0][0] for part in arrays.pieces], np.int64)
    area = np.array([sum((b - a) * size for a, b, size in part) for part in arrays.pieces])
    total = busiest(arrays, shape)
    return {
        "total-width-area": np.lexsort((-area, -width, -total)),
        "width-area-total": np.lexsort((-total, -area, -width)),
        "total-area-width": np.lexsort((-width, -area, -total)),
        "size": np.lexsort((-width, -arrays.height)),
        "area": np.lexsort((-arrays.height, -area)),
        "start": np.lexsort((-arrays.height, start)),
    }


def busiest(arrays: MemoryArrays, shape: Shape) -> Ints:
    """Return for each block the largest total of a section in which it is live."""
    found: Ints = np.maximum.reduceat(arrays.totals()[shape.own], shape.own_ptr[:-1])
    return found


class FirstFit(NeedsNothing):
    """First fit in each of a few orders; the best result counts."""

    name = "first-fit"
    summary = "first fit by size, area, width and start: fast, no proof"

    def refusal(self, data: CompiledMemory) -> str | None:
        """Refuse problems whose pairs of buffers would not fit into memory."""
        return too_many_pairs(data)

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernels that pack."""
        return (PACKING,)

    def search(
        self,
        data: CompiledMemory,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Post the result of every order."""
        del hint
        if ready((PACKING,), board, budget):
            fit_all(data, board, shape_of(data.arrays), self.name)


def fit_all(data: CompiledMemory, board: Board[Ints], shape: Shape, solver: str) -> None:
    """Post the result of first fit in every order."""
    from scheduling.solvers.memory.kernels.fitting import first_fit

    for order in orders(data.arrays, shape).values():
        if board.stopped:
            return
        offsets = np.zeros(data.arrays.n_blocks, np.int64)
        first_fit(shape, order, offsets)
        offer(data, board, offsets, solver)
