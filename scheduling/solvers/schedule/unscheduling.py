"""Placing tasks that bound each other from both sides: what comes too late delays who was early.

Sources: Franck, Neumann, Schwindt, "Truncated branch-and-bound, schedule-construction, and
schedule-improvement procedures for resource-constrained project scheduling", OR Spektrum 2001
(unscheduling); Bellman, "On a routing problem", Quarterly of Applied Mathematics 1958 (longest
paths, here of all sources at once).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints

_NONE = -NEVER

_FREE = 1000
"""Nodes that are looked at whatever the time."""

_STUCK = 20
"""Delays without one task more placed than ever before, until the order is drawn anew."""

_RETRACTED = 15
"""Tasks that are taken back then."""


def longest_paths(
    size: int, lags: Sequence[tuple[int, int, int]], stop: Callable[[], bool]
) -> Ints | None:
    """Return the longest paths between all nodes, ``-NEVER`` where there is none.

    Parameters
    ----------
    size
        Number of nodes.
    lags
        Arcs ``(before, after, weight)``.
    stop
        Asked now and then whether to give up.

    Returns
    -------
    Ints or None
        ``None`` when a circle is positive, or when it gave up.
    """
    into: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    heads: list[set[int]] = [set() for _ in range(size)]
    for before, after, weight in lags:
        into[after].append((before, weight))
        heads[before].add(after)
    tails = [np.array([before for before, _ in rows], np.int64) for rows in into]
    weights = [np.array([weight for _, weight in rows], np.int64)[:, None] for rows in into]
    # By target: paths to a node are one row, and come from the rows of those before it.
    longest = np.full((size, size), _NONE, np.int64)
    np.fill_diagonal(longest, 0)
    dirty = {node for node, rows in enumerate(into) if rows}
    steps, backwards = 0, False
    while dirty:
        for node in sorted(dirty, reverse=backwards):
            dirty.discard(node)
            steps += 1
            if steps > _FREE and stop():
                return None
            found = (longest[tails[node]] + weights[node]).max(axis=0)
            if np.any(found > longest[node]):
                np.maximum(longest[node], found, out=longest[node])
                if longest[node, node] > 0:
                    return None
                dirty |= heads[node]
        backwards = not backwards
    # Paths from nowhere have taken on weights.
    longest[longest < _NONE // 2] = _NONE
    return np.ascontiguousarray(longest.T)


class Unscheduling:
    """Windows of tasks that bound each other, some of which are placed.

    Parameters
    ----------
    longest
        Longest paths between the tasks.
    floor
        Earliest starts by all else.
    rank
        Priorities of tasks whose windows are alike, the lowest first.
    blur
        Where delays turn in a circle, latest starts are blurred by up to this when the next task is
        chosen.

    Attributes
    ----------
    late
        Largest start of each task beside those that are placed.
    placed
        Start of each task, -1 while it waits.
    """

    def __init__(self, longest: Ints, floor: Ints, rank: Ints, blur: int) -> None:
        n = len(rank)
        # Of what follows a task, and of what is before it: both are read by rows.
        self._after, self._until = longest, np.ascontiguousarray(longest.T)
        self._rank, self._blur = rank, blur
        first = (longest > 0) | ((longest == 0) & (longest.T < 0))
        self._followers = [np.flatnonzero(row) for row in first]
        self._waits: Ints = first.sum(axis=0)
        self._base: Ints = (floor[:, None] + longest).max(axis=0)
        self._floor = self._base.copy()
        self.placed = np.full(n, -1)
        self._early, self.late = np.full(n, _NONE), np.full(n, NEVER)
        self._order: list[int] = []
        self._history: list[tuple[Ints, Ints, Ints]] = []
        self._noise = np.zeros(n, np.int64)
        self._rng = np.random.default_rng(0)
        self._most = self._since = 0

    def early(self, k: int) -> int:
        """Return the least start of a task beside those that are placed."""
        return max(int(self._early[k]), int(self._floor[k]))

    def chosen(self) -> int | None:
        """Return the ready task of the least latest start; ``None`` when no one waits."""
        ready = np.flatnonzero(self._waits == 0)
        if not ready.size:
            return None
        early = np.maximum(self._early[ready], self._floor[ready])
        order = np.lexsort((self._rank[ready], early, self.late[ready] - self._noise[ready]))
        return int(ready[order[0]])

    def put(self, k: int, time: int) -> None:
        """Place a task."""
        self._order.append(k)
        self._history.append((self._early.copy(), self.late.copy(), self._waits.copy()))
        self.placed[k] = time
        np.maximum(self._early, time + self._after[k], out=self._early)
        np.minimum(self.late, time - self._until[k], out=self.late)
        self._waits[self._followers[k]] -= 1
        self._waits[k] = -1

    def delay(self, k: int, time: int) -> list[tuple[int, int]]:
        """Take back those that are too early for ``k`` at ``time``, with their starts.

        They may not start so early again, nor may what hangs on them. Where that has led nowhere
        for long, some of those that were placed last are taken back, with no word on their starts,
        and the order of the rest is blurred.
        """
        needed = time + self._after[k]
        there = self.placed >= 0
        pushing = np.flatnonzero(there & (needed > self.placed))
        first = int(self.placed[pushing].min())
        if self._is_stuck():
            self._floor = self._base.copy()
            self._noise = self._rng.integers(0, self._blur, len(self._noise), endpoint=True)
            last = np.sort(self.placed[there])[-_RETRACTED:]
            first = min(first, int(last[0]))
        else:
            raised = (needed[pushing, None] + self._after[pushing]).max(axis=0)
            np.maximum(self._floor, raised, out=self._floor)
        return self._take_back(there & ((self.placed >= first) | (self._floor > self.placed)))

    def _is_stuck(self) -> bool:
        self._since += 1
        if len(self._order) > self._most:
            self._most, self._since = len(self._order), 0
        if self._since < _STUCK:
            return False
        self._since = 0
        return True

    def _take_back(self, back: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
        """Return to the state before the first of these was placed, then place the others again."""
        freed = [(int(other), int(self.placed[other])) for other in np.flatnonzero(back)]
        depth = next(i for i, other in enumerate(self._order) if back[other])
        kept = [other for other in self._order[depth:] if not back[other]]
        self._early, self.late, self._waits = self._history[depth]
        del self._order[depth:], self._history[depth:]
        self.placed[back] = -1
        for other in kept:
            self.put(other, int(self.placed[other]))
        return freed

    def everything(self) -> list[tuple[int, int]]:
        """All that is placed, with its starts."""
        there = np.flatnonzero(self.placed >= 0)
        return [(int(other), int(self.placed[other])) for other in there]
