"""Solver ``belady``: drop what is used again last of all."""

from __future__ import annotations

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer
from scheduling.solvers.caching.policies import Key, Policy, replay


class Belady(Policy):
    """Drop what is used again last of all; it knows the future.

    With equal sizes and costs this is best possible, and what is kept proves itself: of gaps that
    do not fit together, to drop the one that ends last leaves the most (a largest part of an
    interval graph that has so many colours). The rule of prefixes changes nothing then, as what is
    before an object in its chain is used again no later. With other sizes or costs it is a rule of
    thumb.

    Sources: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
    Journal 5, 1966; Carlisle and Lloyd, "On the k-coloring of intervals", Discrete Applied
    Mathematics 59, 1995.
    """

    name = "belady"
    summary = "knows the future: drops what is used again last; best for equal sizes and costs"

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post what the rule keeps, and that it is best possible where it is."""
        arrays = data.arrays
        kept = replay(arrays, self)
        offer(data, board, kept, self.name)
        if _proves_itself(arrays) and not board.stopped:
            board.raise_bound(arrays.cost(kept), self.name)

    def begin(self, arrays: CachingArrays) -> None:
        """Find the next use of each use, and the place of each object in its chain."""
        n = len(arrays.access)
        request = np.repeat(np.arange(arrays.n_requests), np.diff(arrays.starts))
        items = np.concatenate((arrays.held, arrays.access))
        times = np.concatenate((np.full(len(arrays.held), -1), request))
        upcoming = np.full(len(items), np.inf)
        order = np.argsort(items, kind="stable")
        same = items[order][1:] == items[order][:-1]
        upcoming[order[:-1][same]] = times[order[1:][same]]
        self._next = upcoming[len(items) - n :].tolist()
        self._first = dict(zip(arrays.held.tolist(), upcoming.tolist(), strict=False))
        self._depth = [0] * len(arrays.sizes)
        parent = arrays.parent.tolist()
        for item in dict.fromkeys(arrays.access.tolist()):
            if parent[item] >= 0:
                self._depth[item] = self._depth[parent[item]] + 1

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:  # noqa: ARG002
        """Return the next use, the latest the least; of equals the end of the chain."""
        upcoming = self._first[item] if access < 0 else self._next[access]
        return (-upcoming, -self._depth[item])


def _proves_itself(arrays: CachingArrays) -> bool:
    """Tell whether sizes and costs are equal, and nothing is pinned or held out of its chain."""
    equal = all(np.ptp(values) == 0 for values in (arrays.sizes, arrays.costs))
    chained = bool((arrays.parent >= 0).any())
    return equal and not arrays.pinned.any() and not (chained and len(arrays.held))
