"""Solver ``hit-density``: drop what is least likely to be used soon, as learned on the way."""

from __future__ import annotations

from collections import deque

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer

_AGES = 28
_STEPS = 2.0
_EVERY = 100
_FADES = 0.995
_USES, _ENDS = 2e-4, 1e-3
"""Uses and ends of each class at each age that are taken for seen before anything is."""

_CLASSES = 7
_GHOSTS = 4
"""Room of the dropped objects that are still watched, in rooms of the cache."""


class HitDensity(OnePass):
    """Drops the objects of the least expected saving by room and time, request by request.

    Objects are in classes by how often they were used so far, twice as often in each. Of each
    class the ages at which objects were used again are counted, and those at which they were given
    up; the density at an age is the number of uses from it on by the time that objects were watched
    from it on. Dropped objects are watched until four times the cache's room is dropped behind
    them: else what is learned is what the policy itself lets happen, and a class that comes back
    late looks like one that never does. Of one request the end goes first. Nothing of the future is
    known.

    Sources: LHD of Beckmann, Chen and Cidon, "LHD: improving cache hit rate by maximizing hit
    density", NSDI 2018, whose classes are by application and by age at the last use, and which
    samples; the objects that are watched are the ghosts of Megiddo and Modha, "ARC: a self-tuning,
    low overhead replacement cache", FAST 2003.
    """

    name = "hit-density"
    summary = "policy: least expected saving by room and time, learned by uses and age"

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post what the policy keeps."""
        offer(data, board, _Cache(data.arrays).kept(), self.name)


class _Densities:
    """Ages at which objects of each class were used again or given up, and what follows."""

    def __init__(self) -> None:
        self._uses = np.zeros((_CLASSES, _AGES))
        self._ends = np.zeros((_CLASSES, _AGES))
        edges = 2.0 ** (np.arange(_AGES + 1) / _STEPS) - 1
        self._widths = np.diff(edges)
        self.values = np.empty((_CLASSES, _AGES))
        self.refresh()

    def used(self, classes: Ints, ages: Ints) -> None:
        """Count uses."""
        np.add.at(self._uses, (classes, self.at(ages)), 1)

    def given_up(self, classes: Ints, ages: Ints) -> None:
        """Count objects that are no longer watched."""
        np.add.at(self._ends, (classes, self.at(ages)), 1)

    def at(self, ages: Ints) -> Ints:
        """Return the column of each age."""
        columns = (np.log2(1.0 + ages) * _STEPS).astype(np.int64)
        return np.asarray(np.minimum(columns, _AGES - 1))

    def refresh(self) -> None:
        """Compute the densities anew, and forget a little."""
        uses = self._uses + _USES
        ends = uses + self._ends + _ENDS
        later = np.cumsum(uses[:, ::-1], axis=1)[:, ::-1]
        there = np.cumsum(ends[:, ::-1], axis=1)[:, ::-1] * self._widths
        self.values = later / np.cumsum(there[:, ::-1], axis=1)[:, ::-1]
        self._uses *= _FADES
        self._ends *= _FADES


class _Cache:
    """The cache while the policy runs it."""

    def __init__(self, arrays: CachingArrays) -> None:
        self._arrays = arrays
        count = len(arrays.sizes)
        self._there = np.zeros(count, np.bool_)
        self._watched = np.zeros(count, np.bool_)
        self._last = np.zeros(count, np.int64)
        self._place = np.zeros(count, np.int64)
        self._uses = np.zeros(count, np.int64)
        self._worth = arrays.costs / arrays.sizes
        self._known = _Densities()
        self._ghosts: deque[tuple[int, int]] = deque()
        self._ghostly = 0

    def kept(self) -> Flags:
        """Serve all requests; return the gaps during which objects are kept."""
        arrays = self._arrays
        self._there[arrays.held] = self._watched[arrays.held] = True
        self._uses[arrays.held] = 1
        kept = np.zeros(arrays.n_gaps, np.bool_)
        for request in range(arrays.n_requests):
            part = slice(int(arrays.starts[request]), int(arrays.starts[request + 1]))
            items = arrays.access[part]
            found = self._there[items]
            kept[arrays.gap_of[part][found]] = True
            again = items[self._watched[items]]
            self._known.used(self._classes(again), request + 1 - self._last[again])
            self._ghostly -= int(arrays.sizes[again[~self._there[again]]].sum())
            self._there[items] = self._watched[items] = True
            self._last[items] = request + 1
            self._place[items] = np.arange(len(items))
            self._uses[items] += 1
            self._shrink(request + 1)
            if request % _EVERY == 0:
                self._known.refresh()
        return kept

    def _classes(self, items: Ints) -> Ints:
        """Return the class of each object, by its uses so far."""
        found = np.log2(self._uses[items]).astype(np.int64)
        return np.asarray(np.minimum(found, _CLASSES - 1))

    def _shrink(self, now: int) -> None:
        """Drop what is worth least until the rest fits; of one prompt the end first."""
        arrays = self._arrays
        inside = np.flatnonzero(self._there)
        excess = int(arrays.sizes[inside].sum()) - arrays.capacity
        if excess <= 0:
            return
        open_ = inside[~arrays.pinned[inside]]
        ages = now - self._last[open_]
        density = self._known.values[self._classes(open_), self._known.at(ages)]
        values = density * self._worth[open_]
        order = np.lexsort((-self._place[open_], -ages, values))
        enough = int(np.searchsorted(np.cumsum(arrays.sizes[open_[order]]), excess)) + 1
        gone = open_[order[:enough]]
        self._there[gone] = False
        self._ghostly += int(arrays.sizes[gone].sum())
        self._ghosts.extend(zip(gone.tolist(), self._last[gone].tolist(), strict=True))
        self._give_up(now)

    def _give_up(self, now: int) -> None:
        """Watch no longer what was dropped first, until the rest is little enough."""
        over = []
        while self._ghostly > _GHOSTS * self._arrays.capacity:
            item, last = self._ghosts.popleft()
            # One that was used since is not meant by this entry.
            if not self._there[item] and self._watched[item] and self._last[item] == last:
                self._ghostly -= int(self._arrays.sizes[item])
                self._watched[item] = False
                over.append(item)
        gone = np.array(over, np.int64)
        self._known.given_up(self._classes(gone), now - self._last[gone])
