"""Solver ``hit-density``: drop what is least likely to be used soon, as learned on the way."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer

_AGES = 28
_STEPS = 2.0
_EVERY = 100
_FADES = 0.995
_USES, _ENDS = 2e-4, 1e-2
"""Uses at each age, and objects that reach it, that are taken for seen before anything is."""

_ALIKE = 8.0
"""Requests from which on a class says more of itself than the wider one; their objects count, as
those of one request come again together."""

_USED, _NEW = 7, 6
"""Classes by uses so far, and by new objects of the last request."""

_GHOSTS = 8
"""Room of the dropped objects that are still watched, in rooms of the cache."""

Floats = NDArray[np.float64]


class HitDensity(OnePass):
    """Drops the objects of the least expected saving by room and time, request by request.

    Objects are in classes by how often they were used so far, twice as often in each, by whether
    they ended the last request that used them, and by how many objects were new in that one: what
    a prompt adds at its end seldom comes again, and prompts that are new come again less. Of each
    class the ages at which objects were used again are counted among all that reached this age;
    small classes lean on wider ones. The density at an age is the most uses by time, over all times
    to wait on. Dropped objects are watched until eight times the cache's room is dropped behind
    them: else what is learned is what the policy itself lets happen, and a class that comes back
    late looks like one that never does. Of one request the end goes first. Nothing of the future is
    known.

    Sources: LHD of Beckmann, Chen and Cidon, "LHD: improving cache hit rate by maximizing hit
    density", NSDI 2018, whose classes are by application and by age at the last use, and which
    samples; the index of Gittins, "Bandit processes and dynamic allocation indices", Journal of the
    Royal Statistical Society B 41, 1979; objects that are still there count as in Kaplan and Meier,
    "Nonparametric estimation from incomplete observations", JASA 53, 1958; the objects that are
    watched are the ghosts of Megiddo and Modha, "ARC: a self-tuning, low overhead replacement
    cache", FAST 2003.
    """

    name = "hit-density"
    summary = "policy: least expected saving by room and time, learned by uses and age"

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post what the policy keeps."""
        offer(data, board, _Cache(data.arrays).kept(), self.name)


class _Densities:
    """Ages at which objects of each class were used again or given up, and what follows."""

    def __init__(self) -> None:
        shape = (_USED, 2, _NEW, _AGES)
        self._uses, self._ends = np.zeros(shape), np.zeros(shape)
        edges = 2.0 ** (np.arange(_AGES + 1) / _STEPS) - 1
        self._widths = np.diff(edges)
        none = np.zeros(0, np.int64)
        self.refresh(none, none, 1.0)

    def used(self, classes: Ints, ages: Ints) -> None:
        """Count uses."""
        np.add.at(self._uses.reshape(-1, _AGES), (classes, self.at(ages)), 1)

    def given_up(self, classes: Ints, ages: Ints) -> None:
        """Count objects that are no longer watched."""
        np.add.at(self._ends.reshape(-1, _AGES), (classes, self.at(ages)), 1)

    def at(self, ages: Ints) -> Ints:
        """Return the column of each age."""
        columns = (np.log2(1.0 + ages) * _STEPS).astype(np.int64)
        return np.asarray(np.minimum(columns, _AGES - 1))

    def refresh(self, classes: Ints, ages: Ints, length: float) -> None:
        """Compute the densities anew, and forget a little.

        Parameters
        ----------
        classes, ages
            Of all objects that are watched.
        length
            Mean number of objects of a request.
        """
        alive = np.zeros_like(self._ends)
        np.add.at(alive.reshape(-1, _AGES), (classes, self.at(ages)), 1)
        ends = self._ends + alive
        # What ends within the steps of an age has been seen for half of them.
        reached = np.cumsum((self._uses + ends)[..., ::-1], axis=-1)[..., ::-1] - ends / 2
        chance = (self._uses.sum(axis=(0, 1, 2)) + _USES) / (reached.sum(axis=(0, 1, 2)) + _ENDS)
        alike = _ALIKE * length
        for wider in ((1, 2), (2,), ()):
            uses = self._uses.sum(axis=wider, keepdims=True)
            among = reached.sum(axis=wider, keepdims=True)
            chance = (uses + alike * chance) / (among + alike)
        self.values = self._most(np.minimum(chance, 1.0).reshape(-1, _AGES))
        self._uses *= _FADES
        self._ends *= _FADES

    def _most(self, chance: Floats) -> Floats:
        """Return the most uses by time over all times to wait on, from the chance at each age."""
        values = np.empty_like(chance)
        for age in range(_AGES):
            later = chance[:, age:]
            there = np.cumprod(1.0 - later, axis=1)
            before = np.column_stack((np.ones(len(there)), there[:, :-1]))
            time = np.cumsum((before + there) / 2 * self._widths[age:], axis=1)
            values[:, age] = ((1.0 - there) / time).max(axis=1)
        return values


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
        self._class = np.zeros(count, np.int64)
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
            self._known.used(self._class[again], request + 1 - self._last[again])
            self._ghostly -= int(arrays.sizes[again[~self._there[again]]].sum())
            self._there[items] = self._watched[items] = True
            self._last[items] = request + 1
            self._place[items] = np.arange(len(items))
            self._uses[items] += 1
            self._class[items] = _classes(self._uses[items], len(items) - len(again))
            self._shrink(request + 1)
            if request % _EVERY == 0:
                seen = np.flatnonzero(self._watched)
                length = max(1.0, float(arrays.starts[request + 1]) / (request + 1))
                self._known.refresh(self._class[seen], request + 1 - self._last[seen], length)
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
        self._known.given_up(self._class[gone], now - self._last[gone])


def _classes(uses: Ints, new: int) -> Ints:
    """Return the class of each object of a request, by their uses and its new objects."""
    used = np.minimum(np.log2(uses).astype(np.int64), _USED - 1)
    ends = np.arange(len(uses)) == len(uses) - 1
    return np.asarray((used * 2 + ends) * _NEW + min(_NEW - 1, max(1, new).bit_length() - 1))
