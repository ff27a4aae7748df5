"""The search over caps of a stage's time: all caps, which is exact, and RoundPipe's window.

Under a cap, stages filled to it are the fewest: what is fused at the end is missing from both
passes, so that more is never worse. For each number of stages the least cap that needs no more is
found by halving; the best cut is one of these.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from scheduling.models.pipeline.arrays import Cut, PipelineArrays
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.pipeline.family import CompiledPipeline


class Caps(NeedsNothing, TakesAll):
    """Every number of stages with its least cap: exact. One work unit is 100 cuts."""

    name = "caps"
    summary = "the least cap of a stage for every number of stages: exact"

    def search(
        self,
        data: CompiledPipeline,
        board: Board[Cut],
        budget: Budget,
        hint: Cut | None,  # noqa: ARG002
    ) -> None:
        """Improve the cut until no number of stages is left."""
        _Search(data, board, budget, self.name).run(data.arrays.total)


class Window(NeedsNothing, TakesAll):
    """Caps of at most 1.1 times the slowest layer, as in RoundPipe's released code."""

    name = "window"
    summary = "RoundPipe's rule: caps of a stage within 1.1 times the slowest layer"

    def search(
        self,
        data: CompiledPipeline,
        board: Board[Cut],
        budget: Budget,
        hint: Cut | None,  # noqa: ARG002
    ) -> None:
        """Post the best cut within the window."""
        _Search(data, board, budget, self.name).run(data.arrays.slowest * 11 // 10)


_CUTS_PER_UNIT = 100


class _Search:
    """One search over numbers of stages."""

    def __init__(
        self, data: CompiledPipeline, board: Board[Cut], budget: Budget, name: str
    ) -> None:
        self.data, self.arrays = data, data.arrays
        self.board, self.budget, self.name = board, budget, name
        self.left = None if budget.work is None else max(1, int(budget.work * _CUTS_PER_UNIT))

    def run(self, most: int) -> None:
        """Try all numbers of stages that caps up to ``most`` allow."""
        arrays = self.arrays
        cut = self._cut(most)
        best = self._post(cut)
        stages = max(arrays.gpus, cut.number)
        while stages * arrays.slowest < best:
            if self._over():
                return
            # Only a cap below this makes a cut with so many stages better.
            high = min(most, (best - 1) // stages)
            if high >= arrays.slowest and self._cut(high).number <= stages:
                best = self._post(self._least(stages, high))
            stages += 1
            self._prove(min(best, stages * arrays.slowest), most)
        self._prove(best, most)

    def _prove(self, bound: int, most: int) -> None:
        """Post what no cut is below, if all caps are allowed."""
        if most >= self.arrays.total:
            self.board.raise_bound(bound, self.name)

    def _least(self, stages: int, high: int) -> Cut:
        """Return the cut with the least cap that needs at most so many stages."""
        low = max(self.arrays.slowest, -(-self.arrays.total // stages))
        while low < high:
            middle = (low + high) // 2
            if self._cut(middle).number <= stages:
                high = middle
            else:
                low = middle + 1
        return self._cut(high)

    def _cut(self, cap: int) -> Cut:
        if self.left is not None:
            self.left -= 1
        return filled(self.arrays, cap)

    def _over(self) -> bool:
        spent = self.left is not None and self.left <= 0
        return spent or self.board.stopped or self.budget.remaining() == 0

    def _post(self, cut: Cut) -> int:
        """Offer a cut; return the best cost so far."""
        (cost,) = self.data.values(cut)
        self.board.offer(cut, (cost,), self.name)
        known = self.board.objective
        return cost if known is None else min(cost, known)


def filled(arrays: PipelineArrays, cap: int) -> Cut:
    """Fill stages up to a cap: the fused one from the end, then both passes of the rest.

    Parameters
    ----------
    arrays
        The layers.
    cap
        Longest time of a stage, at least the slowest layer's.
    """
    forward, backward, memory = arrays.forward, arrays.backward, arrays.memory
    count, room = len(forward) - 1, arrays.room
    both = [a + b for a, b in zip(forward, backward, strict=True)]
    first = max(bisect_left(both, both[count] - cap), bisect_left(memory, memory[count] - room))
    ahead: list[tuple[int, int]] = []
    at = 0
    while at < first:
        end = bisect_right(forward, forward[at] + cap, at, first + 1) - 1
        end = min(end, bisect_right(memory, memory[at] + room, at, first + 1) - 1)
        ahead.append((at, end))
        at = end
    behind: list[tuple[int, int]] = []
    at = first
    while at > 0:
        start = bisect_left(backward, backward[at] - cap, 0, at)
        start = max(start, bisect_left(memory, memory[at] - room, 0, at))
        behind.append((start, at))
        at = start
    return Cut(tuple(ahead), (first, count), tuple(behind))
