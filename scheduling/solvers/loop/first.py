"""A first pipeline: one iteration after another, at once and whatever the loop's length."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.solvers.board import Board
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.memory import fits_memories


def offer_first(data: CompiledLoop, board: Board[Pipeline], solver: str) -> None:
    """Post the first pipeline where nothing is known yet."""
    if board.tier == 0 and board.objective is None:
        found = one_by_one(data.arrays)
        if found is not None:
            board.offer(found, data.values(found), solver)


def one_by_one(arrays: LoopArrays) -> Pipeline | None:
    """Schedule one iteration as a list and begin the next one when it has ended.

    Operations are taken in the order of their dependences within the iteration, each at the first
    moment, and there on the first warp, at which what it uses is free. ``None`` when warps run out,
    or the interval or the live values exceed what is allowed.
    """
    listed = _List(arrays)
    for operation in _in_order(arrays):
        if not listed.place(operation):
            return None
    interval = max(1, listed.end)
    for edge in arrays.edges:
        if edge.distance:
            ready = listed.starts[edge.before] + edge.wait + listed.sync(edge.before, edge.after)
            interval = max(interval, -(-(ready - listed.starts[edge.after]) // edge.distance))
    starts = tuple(listed.starts[v] for v in range(arrays.n))
    warps = tuple(listed.warps[v] for v in range(arrays.n)) if arrays.n_warps else ()
    found = Pipeline(interval, starts, warps)
    allowed = arrays.limit is None or interval <= arrays.limit
    return found if allowed and fits_memories(arrays, found) else None


def _in_order(arrays: LoopArrays) -> list[int]:
    """Return the operations in an order of the dependences within one iteration."""
    from networkx import DiGraph, lexicographical_topological_sort

    graph: DiGraph[int] = DiGraph()
    graph.add_nodes_from(range(arrays.n))
    graph.add_edges_from((edge.before, edge.after) for edge in arrays.edges if not edge.distance)
    return list(lexicographical_topological_sort(graph))


class _Held(NamedTuple):
    """An amount of a unit that is held from ``begin`` until ``end``; warps are units too."""

    unit: int
    begin: int
    end: int
    amount: int


class _List:
    """The operations of one iteration that are placed."""

    def __init__(self, arrays: LoopArrays) -> None:
        self.arrays = arrays
        self.starts: dict[int, int] = {}
        self.warps: dict[int, int] = {}
        self._held: list[list[_Held]] = [[] for _ in (*arrays.capacity, *range(arrays.n_warps))]
        self._capacity = [*arrays.capacity, *[1] * arrays.n_warps]
        self._kind = {
            warps[0]: variable
            for warps, variable in zip(arrays.allowed, arrays.variable, strict=True)
            if len(warps) == 1
        }

    @property
    def end(self) -> int:
        """Moment from which nothing is held."""
        return max((held.end for held in chain.from_iterable(self._held)), default=0)

    def sync(self, before: int, after: int) -> int:
        """Cycles that a dependence between two placed operations takes more."""
        apart = self.warps.get(before) != self.warps.get(after)
        return self.arrays.sync if apart else 0

    def place(self, operation: int) -> bool:
        """Place an operation; false when it fits on no warp."""
        variable = self.arrays.variable[operation]
        warps = self.arrays.allowed[operation] if self.arrays.n_warps else (-1,)
        free = [warp for warp in warps if self._kind.get(warp, variable) == variable]
        moments = [(self._first(operation, warp), warp) for warp in free]
        fitting = [(start, warp) for start, warp in moments if start is not None]
        if not fitting:
            return False
        start, warp = min(fitting)
        self.starts[operation] = start
        if warp >= 0:
            self.warps[operation] = warp
            self._kind[warp] = variable
        for held in self._needs(operation, start, warp):
            self._held[held.unit].append(held)
        return True

    def _first(self, operation: int, warp: int) -> int | None:
        """First moment after what it depends on at which an operation fits on a warp."""
        arrays, ready = self.arrays, 0
        for edge in arrays.edges:
            if edge.after == operation and not edge.distance:
                apart = warp >= 0 and self.warps[edge.before] != warp
                wait = edge.wait + (arrays.sync if apart else 0)
                ready = max(ready, self.starts[edge.before] + wait)
        needs = self._needs(operation, 0, warp)
        moments = {held.end - need.begin for need in needs for held in self._held[need.unit]}
        later = sorted(moment for moment in moments if moment > ready)
        return next((at for at in (ready, *later) if self._fit(needs, at)), None)

    def _needs(self, operation: int, start: int, warp: int) -> list[_Held]:
        arrays = self.arrays
        needs = [
            _Held(use.unit, start + use.offset, start + use.offset + use.cycles, use.amount)
            for use in arrays.reservations
            if use.operation == operation
        ]
        if warp >= 0 and arrays.issue[operation]:
            unit = len(arrays.capacity) + warp
            needs.append(_Held(unit, start, start + arrays.issue[operation], 1))
        return needs

    def _fit(self, needs: list[_Held], moment: int) -> bool:
        """Whether needs fit a moment later beside each other and what is held."""
        shifted = [
            need._replace(begin=need.begin + moment, end=need.end + moment) for need in needs
        ]
        return all(
            sum(held.amount for held in beside if held.begin <= at < held.end)
            <= self._capacity[need.unit]
            for need in shifted
            for beside in [
                [*self._held[need.unit], *(own for own in shifted if own.unit == need.unit)]
            ]
            for at in (held.begin for held in beside)
            if need.begin <= at < need.end
        )
