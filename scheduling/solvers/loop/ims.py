"""Solver ``ims``: iterative modulo scheduling, list scheduling that takes back what hinders it."""

from __future__ import annotations

from scheduling.models.loop.arrays import Edge, LoopArrays, Pipeline
from scheduling.models.loop.bounds import interval_bound
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.first import offer_first
from scheduling.solvers.loop.memory import fits_memories
from scheduling.solvers.loop.table import Table
from scheduling.solvers.loop.units import coarse_units, coarsened, stretched

_STEPS_PER_OPERATION = 20
_STEPS_PER_UNIT = 20_000


class Ims(NeedsNothing, TakesAll):
    """Iterative modulo scheduling (Rau, MICRO 1994), with warps.

    At each interval from the bound on, the operation with the longest path behind it goes to the
    first cycle, and there the first warp, at which it fits; where there is none within an interval
    it goes in by force, and what it hinders is placed again. A schedule that exceeds a memory is
    dropped. Loops of many cycles are searched in units of several. Before all, one iteration after
    another is an answer. One work unit is 20,000 placements.
    """

    name = "ims"
    summary = "iterative modulo scheduling (Rau, 1994): fast, without proof"

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,  # noqa: ARG002 - built from nothing
    ) -> None:
        """Post the schedule of the first interval at which there is one."""
        if board.tier == 1:
            return
        offer_first(data, board, self.name)
        steps = None if budget.work is None else int(budget.work * _STEPS_PER_UNIT)
        for unit in coarse_units(data.arrays):
            arrays = coarsened(data.arrays, unit)
            first = max(-(-(board.bound or 1) // unit), interval_bound(arrays))
            for interval in range(first, arrays.longest_interval + 1):
                known = board.objective
                if board.stopped or budget.remaining() == 0 or (steps is not None and steps <= 0):
                    return
                if known is not None and unit * interval >= known:
                    break
                attempt = Attempt(arrays, interval)
                found = attempt.run()
                steps = None if steps is None else steps - max(1, attempt.steps)
                if found is not None and fits_memories(arrays, found):
                    here = stretched(found, unit)
                    board.offer(here, data.values(here), self.name)
                    break


class Attempt:
    """One attempt at one interval."""

    def __init__(self, arrays: LoopArrays, interval: int) -> None:
        self.arrays = arrays
        self.interval = interval
        self.steps = 0
        self._table = Table(arrays, interval)
        self._last: dict[int, int] = {}
        self._into: list[list[Edge]] = [[] for _ in range(arrays.n)]
        self._out: list[list[Edge]] = [[] for _ in range(arrays.n)]
        for edge in arrays.edges:
            self._into[edge.after].append(edge)
            self._out[edge.before].append(edge)

    def run(self) -> Pipeline | None:
        """Return a schedule; ``None`` when the steps do not suffice."""
        arrays, table = self.arrays, self._table
        height = self._heights()
        if height is None or not all(table.fits_empty(v) for v in range(arrays.n)):
            return None
        most = _STEPS_PER_OPERATION * arrays.n
        while len(table.starts) < arrays.n:
            if self.steps >= most:
                return None
            self.steps += 1
            waiting = (v for v in range(arrays.n) if v not in table.starts)
            self._schedule(max(waiting, key=lambda v: (height[v], -v)))
        least = min(table.starts.values())
        return Pipeline(
            self.interval,
            tuple(table.starts[v] - least for v in range(arrays.n)),
            tuple(table.warps[v] for v in range(arrays.n)) if arrays.n_warps else (),
        )

    def _heights(self) -> list[int] | None:
        """Longest path behind each operation; ``None`` when a circle is too long."""
        height = list(self.arrays.latency)
        for _ in range(self.arrays.n + 1):
            changed = False
            for edge in self.arrays.waits:
                wait = edge.wait - edge.distance * self.interval
                if height[edge.after] + wait > height[edge.before]:
                    height[edge.before], changed = height[edge.after] + wait, True
            if not changed:
                return height
        return None

    def _schedule(self, operation: int) -> None:
        table = self._table
        warps = self.arrays.allowed[operation] or (-1,)
        ready = {warp: self._ready(operation, warp) for warp in warps}
        first = min(ready.values())
        for start in range(first, max(ready.values()) + self.interval):
            for warp in warps:
                if start >= ready[warp] and table.fits(operation, start, warp):
                    self._enter(operation, start, warp)
                    return
        warp = min(warps, key=lambda w: len(table.in_the_way(operation, ready[w], w)))
        start = max(ready[warp], self._last.get(operation, -1) + 1)
        for other in table.in_the_way(operation, start, warp):
            table.remove(other)
        self._enter(operation, start, warp)

    def _ready(self, operation: int, warp: int) -> int:
        """First start after what is placed of the operations before it."""
        starts, least = self._table.starts, 0
        for edge in self._into[operation]:
            if edge.before in starts and edge.before != operation:
                wait = self._wait(edge, self._table.warps.get(edge.before, -1), warp)
                least = max(least, starts[edge.before] + wait - edge.distance * self.interval)
        return least

    def _wait(self, edge: Edge, first: int, second: int) -> int:
        return edge.wait + (self.arrays.sync if first != second else 0)

    def _enter(self, operation: int, start: int, warp: int) -> None:
        """Place an operation and take out those behind it that now start too early."""
        table = self._table
        table.place(operation, start, warp)
        self._last[operation] = start
        for edge in self._out[operation]:
            if edge.after == operation or edge.after not in table.starts:
                continue
            wait = self._wait(edge, warp, table.warps.get(edge.after, -1))
            if table.starts[edge.after] < start + wait - edge.distance * self.interval:
                table.remove(edge.after)
