"""Solver ``search``: canonical depth-first search with restarts, below one height after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.memory.arrays import Ints
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.memory.family import CompiledMemory
from scheduling.solvers.memory.first_fit import busiest, fit_all, offer, orders
from scheduling.solvers.memory.first_fit import too_many_pairs as too_many
from scheduling.solvers.memory.warming import PACKING
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, ready

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scheduling.solvers.memory.kernels.state import Shape

    Floats = NDArray[np.float64]

NODES_PER_UNIT = 100_000
"""Placements of one unit of work."""

_ROUND = 2000
"""Placements of the shortest round before a restart."""

_SLICE = 400_000
"""Placements times blocks between two looks at the clock."""

MOST_BLOCKS = 4000
_FADE = 0.7
_NOISE = (0.0, 0.1, 0.3)


class Search(NeedsNothing):
    """Packs below a height and, when that is done or refuted, below the next.

    The first height is the capacity, or one below what is known; then the bound itself is tried by
    turns with heights between. A search that ends without a packing proves a better bound. Rounds
    grow as in Luby's sequence, and each takes another order: three of the literature, then random
    mixes of their keys and of how often bounds failed at a block in earlier rounds. Unit of work:
    100,000 placements.

    Source: Moffitt, "MiniMalloc", ASPLOS 2023; restarts of Luby, Sinclair and Zuckerman (1993).

    Parameters
    ----------
    first
        Number of the first worker's stream of orders; only stream 0 takes those of the literature.
    """

    name = "search"
    summary = "depth-first search over canonical packings with restarts: fast, may prove"

    def __init__(self, first: int = 0) -> None:
        self.first = first

    def refusal(self, data: CompiledMemory) -> str | None:
        """Refuse problems whose state would not fit into memory."""
        if data.arrays.n_blocks > MOST_BLOCKS:
            return f"{data.arrays.n_blocks} buffers, above {MOST_BLOCKS}; use first-fit"
        return too_many(data)

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernels that pack."""
        return (PACKING,)

    def search(
        self,
        data: CompiledMemory,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Search with all workers, each on its own orders."""
        if not ready((PACKING,), board, budget):
            return
        from scheduling.solvers.memory.shape import shape_of

        shape = shape_of(data.arrays)
        if self.first == 0:
            fit_all(data, board, shape, self.name)
        walks = [
            _Walk(data, shape, board, budget, self.first + number)
            for number in range(budget.workers)
        ]
        with Sideways() as side:
            for walk in walks[1:]:
                side.start(self.name, walk.run)
            walks[0].run()


class _Walk:
    """One worker's rounds."""

    def __init__(
        self, data: CompiledMemory, shape: Shape, board: Board[Ints], budget: Budget, number: int
    ) -> None:
        self.data, self.shape, self.board, self.budget = data, shape, board, budget
        self.arrays = data.arrays
        self.number = number
        self.rng = np.random.default_rng([budget.seed, number])
        self.blame: Floats = np.zeros(self.arrays.n_blocks)
        self.left = None if budget.work is None else int(budget.work * NODES_PER_UNIT)
        self.orders = self._orders()

    def run(self) -> None:
        """Go from round to round until the board stops or the budget is spent."""
        for number, size in enumerate(_luby()):
            target = self._target(number)
            if target is None or self._over():
                return
            self._round(next(self.orders), target, size * _ROUND)

    def _over(self) -> bool:
        return self.board.stopped or self.budget.remaining() == 0 or self.left == 0

    def _target(self, number: int) -> int | None:
        """Return the height to pack below; ``None``: nothing is left to find."""
        unit, board = self.arrays.unit, self.board
        low = -(-(board.bound or 0) // unit)
        if board.objective is None:
            # First fit stays within any memory that has no limit.
            return self.arrays.capacity
        high = board.objective // unit - 1
        if low > high:
            return None
        turns = (low, high, (low + high) // 2)
        return turns[(number + self.number) % len(turns)]

    def _round(self, order: Ints, target: int, nodes: int) -> None:
        from scheduling.solvers.memory.kernels import packing
        from scheduling.solvers.memory.kernels import state as kernel

        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        state = kernel.new_state(self.shape, rank)
        slices = max(20, _SLICE // len(order))
        while nodes > 0 and not self._over():
            step = min(slices, nodes, nodes if self.left is None else self.left)
            before = int(state.now[kernel.NODES])
            answer = packing.run(self.shape, state, target, step)
            spent = int(state.now[kernel.NODES]) - before
            nodes -= spent
            if self.left is not None:
                self.left -= spent
            if answer == packing.FULL:
                state = kernel.with_longer_trail(state)
            elif answer == kernel.DONE:
                offer(self.data, self.board, state.offset.copy(), Search.name)
                return
            elif answer == kernel.NONE:
                self._refuted(target)
                return
        self.blame = _FADE * self.blame + state.blame / max(1, int(state.blame.sum()))

    def _refuted(self, target: int) -> None:
        """Nothing fits below ``target``."""
        if self.arrays.capacity is not None and target >= self.arrays.capacity:
            if self.board.best is None:
                self.board.prove_infeasible(Search.name)
            return
        best = self.board.objective
        bound = (target + 1) * self.arrays.unit
        self.board.raise_bound(bound if best is None else min(bound, best), Search.name)

    def _orders(self) -> Iterator[Ints]:
        known = list(orders(self.arrays, self.shape).values())[:3]
        if self.number == 0:
            yield from known
        features = [_standard(np.log1p(key)) for key in self._keys()]
        total = known[2]
        while True:
            mix = sum(
                weight * feature
                for weight, feature in zip(
                    self.rng.dirichlet([1] * len(features)), features, strict=True
                )
            )
            noise = self.rng.choice(_NOISE) * self.rng.normal(size=len(total))
            guilt = _standard(np.log1p(self.blame))
            kind = int(self.rng.integers(4))
            if kind == 0:
                yield np.argsort(-(guilt + mix + noise), kind="stable")
            elif kind == 1:
                yield np.argsort(-(guilt + noise), kind="stable")
            elif kind == 2:
                yield np.lexsort((-(mix + noise), -busiest(self.arrays, self.shape)))
            else:
                yield np.argsort(-(mix + noise), kind="stable")

    def _keys(self) -> list[Floats]:
        parts = self.arrays.pieces
        width = np.array([float(part[-1][1] - part[0][0]) for part in parts])
        area = np.array([float(sum((b - a) * size for a, b, size in part)) for part in parts])
        height = self.arrays.height.astype(float)
        sections = np.diff(self.shape.own_ptr).astype(float)
        return [width, height, area, busiest(self.arrays, self.shape).astype(float), sections]


def _standard(values: Floats) -> Floats:
    """Shift and scale to mean 0 and deviation 1."""
    found: Floats = (values - values.mean()) / (values.std() + 1e-9)
    return found


def _luby() -> Iterator[int]:
    """Yield Luby's sequence: 1, 1, 2, 1, 1, 2, 4 and so on."""
    u, v = 1, 1
    while True:
        yield v
        u, v = (u + 1, 1) if u & -u == v else (u, 2 * v)
