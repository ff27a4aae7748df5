"""Solver ``lns``: some nodes at a time are emptied and filled again by CP-SAT."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import offer
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import BestFit
from scheduling.solvers.placement.neighbourhoods import Neighbourhoods
from scheduling.solvers.placement.part import PartSolver, Standing, Step, is_light

_FIRST, _FIRST_OF_MANY, _MANY = 4, 2, 64
"""Nodes of the first part, in clusters of some and of many nodes."""

_STEPS_PER_SIZE = 4
_ITEMS_PER_POST = 500
"""With so many items every improvement is worth the cost of a check."""

_SPARE = 1.5
"""Time kept for the last post, in times of the longest one."""


class Lns(NeedsCpSat, TakesAll):
    """Large neighbourhood search over nodes (Shaw, 1998).

    Each step frees the items of a few nodes (see
    :class:`~scheduling.solvers.placement.neighbourhoods.Neighbourhoods`), with all items that stand
    nowhere, and lets CP-SAT place them again so that the present tier and those behind it get
    better in their order. Parts grow where they bring nothing, and shrink when CP-SAT does not
    settle them. Where only capacities tie items to each other, as many parts without a common node
    as there are workers are solved side by side; the next ones are drawn across their borders. One
    work unit is one unit of CP-SAT's deterministic time.
    """

    name = "lns"
    summary = "large neighbourhood search: some nodes at a time filled again by CP-SAT"

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Improve the board's best placement."""
        if board.best is None:
            BestFit().search(data, board, budget, hint)
        if board.best is not None:
            _Search(data, board, budget, self.name, board.best).run()


class _Search:
    def __init__(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        name: str,
        best: Ints,
    ) -> None:
        from scheduling.solvers.cpsat.stopping import StopSwitch

        self._data, self._board, self._budget, self._name = data, board, budget, name
        arrays = data.arrays
        self._rng = np.random.default_rng(budget.seed)
        self._draws = Neighbourhoods(arrays, self._rng)
        self._parts = PartSolver(arrays, board.tier, board.caps, budget)
        side_by_side = max(1, budget.workers) if is_light(arrays) else 1
        self._switches = [StopSwitch(board) for _ in range(side_by_side)]
        self._size = min(_FIRST_OF_MANY if arrays.n_nodes > _MANY else _FIRST, arrays.n_nodes)
        self._idle = 0
        self._spent = 0.0
        self._better = 0
        self._posting_seconds = 0.0
        self._known, self._standing = best, Standing.of(arrays, best)

    def run(self) -> None:
        """Step until the board stops, the budget is spent, or a step has freed every node."""
        with ThreadPoolExecutor(len(self._switches)) as pool:
            while not self._over():
                if self._board.best is not self._known:
                    self._post()
                jobs = list(self._jobs())
                steps = pool.map(_call, jobs) if len(jobs) > 1 else map(_call, jobs)
                if not self._take(steps):
                    break
        if self._better:
            self._post()

    def _over(self) -> bool:
        work, left = self._budget.work, self._budget.remaining()
        spent = work is not None and self._spent >= work
        late = left is not None and left <= _SPARE * self._posting_seconds
        return spent or late or self._board.stopped

    def _jobs(self) -> Iterator[Callable[[], Step]]:
        """Yield the next parts, without a common node."""
        taken = np.zeros(0, np.int64)
        for switch in self._switches:
            nodes = self._draws.draw(self._standing.counts, self._board.tier, self._size)
            nodes = np.setdiff1d(nodes, taken)
            taken = np.union1d(taken, nodes)
            seed = int(self._rng.integers(2**31))
            if nodes.size:
                yield partial(self._parts.solve, self._standing, nodes, seed, switch)

    def _take(self, steps: Iterable[Step]) -> bool:
        """Take over what parts brought; False when one was the whole problem, and settled."""
        arrays = self._data.arrays
        base, whole = self._standing, False
        for step in steps:
            self._spent += step.work
            whole |= step.closed and len(step.nodes) == arrays.n_nodes
            if step.found is not None:
                self._accept(base, step)
            if not step.closed:
                self._size = max(2, self._size - 1)
            elif step.found is None:
                self._idle += 1
        if self._idle * _STEPS_PER_SIZE * self._size >= arrays.n_nodes:
            self._size, self._idle = min(self._size + 1, arrays.n_nodes), 0
        # The first post shows what one costs.
        first = self._better > 0 and self._posting_seconds == 0.0
        if first or self._better * _ITEMS_PER_POST > arrays.n_items:
            self._post()
        return not whole

    def _accept(self, base: Standing, step: Step) -> None:
        """Take a part over, beside others of the same round."""
        found = step.found
        if found is not None and self._standing is not base:
            found = self._standing.merged(step.nodes, found.counts)
        if found is not None:
            self._standing = found
            self._better += 1

    def _post(self) -> None:
        """Offer what was found, and go on from the board's best."""
        began = time.monotonic()
        if self._better:
            offer(self._data, self._board, self._standing.places(), self._name)
        self._better = 0
        best = self._board.best
        if best is not None:
            self._known, self._standing = best, Standing.of(self._data.arrays, best)
        seconds = time.monotonic() - began
        self._posting_seconds = max(self._posting_seconds, seconds)


def _call(job: Callable[[], Step]) -> Step:
    return job()
