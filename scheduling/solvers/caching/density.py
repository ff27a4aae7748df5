"""Solver ``hit-density``: drop what is least likely to be used soon, as learned on the way."""

from __future__ import annotations

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer

_AGES = 28
_STEPS = 2.0
_EVERY = 100
_FADES = 0.995
_USES, _DROPS = 0.02, 0.1
"""Uses and drops of each class at each age that are taken for seen before anything is."""


class HitDensity(OnePass):
    """Drops the objects of the least expected saving by room and time, request by request.

    Objects are in classes by how many objects their last request used. Of each class the ages at
    which objects were used again, or dropped, are counted; the density at an age is the number of
    uses from it on by the time that objects were kept from it on. A class that seldom comes back,
    as the ends of long prompts, goes before others of the same age. Nothing of the future is known.

    Source: LHD of Beckmann, Chen and Cidon, "LHD: improving cache hit rate by maximizing hit
    density", NSDI 2018; its classes are by application and by age at the last use, and it samples.
    """

    name = "hit-density"
    summary = "policy: least expected saving by room and time, learned by class and age"

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post what the policy keeps."""
        offer(data, board, _Cache(data.arrays).kept(), self.name)


class _Densities:
    """Ages at which objects of each class were used again or dropped, and what follows."""

    def __init__(self, classes: int) -> None:
        self._uses = np.zeros((classes, _AGES))
        self._drops = np.zeros((classes, _AGES))
        edges = 2.0 ** (np.arange(_AGES + 1) / _STEPS) - 1
        self._widths = np.diff(edges)
        self.values = np.empty((classes, _AGES))
        self.refresh()

    def used(self, classes: Ints, ages: Ints) -> None:
        """Count uses."""
        np.add.at(self._uses, (classes, self.at(ages)), 1)

    def dropped(self, classes: Ints, ages: Ints) -> None:
        """Count drops."""
        np.add.at(self._drops, (classes, self.at(ages)), 1)

    def at(self, ages: Ints) -> Ints:
        """Return the column of each age."""
        columns = (np.log2(1.0 + ages) * _STEPS).astype(np.int64)
        return np.asarray(np.minimum(columns, _AGES - 1))

    def refresh(self) -> None:
        """Compute the densities anew, and forget a little."""
        uses = self._uses + _USES
        ends = uses + self._drops + _DROPS
        later = np.cumsum(uses[:, ::-1], axis=1)[:, ::-1]
        there = np.cumsum(ends[:, ::-1], axis=1)[:, ::-1] * self._widths
        self.values = later / np.cumsum(there[:, ::-1], axis=1)[:, ::-1]
        self._uses *= _FADES
        self._drops *= _FADES


class _Cache:
    """The cache while the policy runs it."""

    def __init__(self, arrays: CachingArrays) -> None:
        self._arrays = arrays
        count = len(arrays.sizes)
        self._there = np.zeros(count, np.bool_)
        self._last = np.zeros(count, np.int64)
        self._place = np.zeros(count, np.int64)
        self._class = np.zeros(count, np.int64)
        self._worth = arrays.costs / arrays.sizes
        widest = int(np.diff(arrays.starts).max(initial=1))
        self._known = _Densities(widest.bit_length() + 1)

    def kept(self) -> Flags:
        """Serve all requests; return the gaps during which objects are kept."""
        arrays = self._arrays
        self._there[arrays.held] = True
        kept = np.zeros(arrays.n_gaps, np.bool_)
        for request in range(arrays.n_requests):
            part = slice(int(arrays.starts[request]), int(arrays.starts[request + 1]))
            items = arrays.access[part]
            found = self._there[items]
            kept[arrays.gap_of[part][found]] = True
            again = items[found]
            self._known.used(self._class[again], request + 1 - self._last[again])
            self._there[items] = True
            self._last[items] = request + 1
            self._place[items] = np.arange(len(items))
            self._class[items] = len(items).bit_length()
            self._shrink(request + 1)
            if request % _EVERY == 0:
                self._known.refresh()
        return kept

    def _shrink(self, now: int) -> None:
        """Drop what is worth least until the rest fits; of one prompt the end first."""
        arrays = self._arrays
        inside = np.flatnonzero(self._there)
        excess = int(arrays.sizes[inside].sum()) - arrays.capacity
        if excess <= 0:
            return
        open_ = inside[~arrays.pinned[inside]]
        ages = now - self._last[open_]
        density = self._known.values[self._class[open_], self._known.at(ages)]
        values = density * self._worth[open_]
        order = np.lexsort((-self._place[open_], -ages, values))
        enough = int(np.searchsorted(np.cumsum(arrays.sizes[open_[order]]), excess)) + 1
        gone = order[:enough]
        self._known.dropped(self._class[open_[gone]], ages[gone])
        self._there[open_[gone]] = False
