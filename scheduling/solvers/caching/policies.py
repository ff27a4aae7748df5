"""Policies of replacement, which decide request by request what to drop.

After each request all its objects are in the cache; then those of the least value are dropped until
the rest fits. Pinned objects are never dropped. Of objects of equal value, those behind others in
their request are dropped first, so that prefixes are shortened from their ends.
"""

from __future__ import annotations

from abc import abstractmethod
from heapq import heappop, heappush

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.caching.family import CompiledCaching, offer

Key = tuple[float, ...]


class Policy(OnePass):
    """A policy: the value of an object that was just used, and what it notes of dropped ones."""

    name: str
    summary: str

    def post(self, data: CompiledCaching, board: Board[Flags]) -> None:
        """Post what the policy keeps."""
        offer(data, board, replay(data.arrays, self), self.name)

    @abstractmethod
    def begin(self, arrays: CachingArrays) -> None:
        """Forget everything, and take the objects' sizes and costs."""

    @abstractmethod
    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:
        """Value of an object from now on.

        Parameters
        ----------
        item
            The object.
        time
            Number of requests so far.
        access
            Position of this use in the trace; -1: held at the start.
        since
            Time at which it came into the cache.
        uses
            Uses since then.
        """

    def dropped(self, key: Key) -> None:
        """Take note of the value of an object that is dropped."""


def replay(arrays: CachingArrays, policy: Policy) -> Flags:
    """Run a policy over the trace; return the gaps during which it keeps the object."""
    return _Run(arrays, policy).kept()


class _Run:
    """The cache while a policy runs it."""

    def __init__(self, arrays: CachingArrays, policy: Policy) -> None:
        self.arrays = arrays
        self.policy = policy
        self.sizes = arrays.sizes.tolist()
        self.pinned = arrays.pinned.tolist()
        self.since: dict[int, int] = {}
        self.uses: dict[int, int] = {}
        self.latest: dict[int, tuple[Key, int]] = {}
        self.heap: list[tuple[Key, int, int]] = []
        self.used = 0
        self.capacity = arrays.capacity
        self.serial = 0

    def kept(self) -> Flags:
        """Serve all requests."""
        arrays = self.arrays
        self.policy.begin(arrays)
        for item in arrays.held.tolist():
            self._use(item, 0, -1)
        kept = np.zeros(arrays.n_gaps, np.bool_)
        access, gaps = arrays.access.tolist(), arrays.gap_of.tolist()
        starts = arrays.starts.tolist()
        for request in range(arrays.n_requests):
            for position in range(starts[request], starts[request + 1]):
                item = access[position]
                if item in self.since:
                    kept[gaps[position]] = True
                self._use(item, request + 1, position)
            self._shrink()
        return kept

    def _use(self, item: int, time: int, position: int) -> None:
        if item not in self.since:
            self.since[item] = time
            self.uses[item] = 0
            self.used += self.sizes[item]
        self.uses[item] += 1
        if self.pinned[item]:
            return
        key = self.policy.value(item, time, position, self.since[item], self.uses[item])
        # Later entries of equal value come first: the ends of prefixes.
        self.serial -= 1
        self.latest[item] = (key, self.serial)
        heappush(self.heap, (key, self.serial, item))

    def _shrink(self) -> None:
        while self.used > self.capacity:
            key, serial, item = heappop(self.heap)
            if self.latest.get(item) != (key, serial):
                continue
            del self.latest[item], self.since[item], self.uses[item]
            self.used -= self.sizes[item]
            self.policy.dropped(key)


class Lru(Policy):
    """Drop what was used longest ago."""

    name = "lru"
    summary = "policy: drops what was used longest ago"

    def begin(self, arrays: CachingArrays) -> None:
        """Need nothing."""

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:  # noqa: ARG002
        """Return the time of the use."""
        return (time,)


class Fifo(Policy):
    """Drop what came first."""

    name = "fifo"
    summary = "policy: drops what came into the cache first"

    def begin(self, arrays: CachingArrays) -> None:
        """Need nothing."""

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:  # noqa: ARG002
        """Return the time at which it came."""
        return (since,)


class Lfu(Policy):
    """Drop what was used least often since it came; of equals, what was used longest ago."""

    name = "lfu"
    summary = "policy: drops what was used least often since it came"

    def begin(self, arrays: CachingArrays) -> None:
        """Need nothing."""

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:  # noqa: ARG002
        """Return the number of uses."""
        return (uses, time)


class GreedyDual(Policy):
    """Drop what has the least cost by size above the level that falls due.

    The value of an object is the level L at its last use plus its cost by its size; L is the value
    of what was dropped last. Of equals, what was used longest ago.

    Source: GreedyDual-Size of Cao and Irani, "Cost-aware WWW proxy caching algorithms", USITS 1997.
    """

    name = "greedy-dual"
    summary = "policy: GreedyDual-Size, cost by size above a level that rises with what is dropped"
    by_uses = False

    def begin(self, arrays: CachingArrays) -> None:
        """Start at the level 0."""
        self._worth = (arrays.costs / arrays.sizes).tolist()
        self._level = 0.0

    def value(self, item: int, time: int, access: int, since: int, uses: int) -> Key:  # noqa: ARG002
        """Return the level plus the cost by size."""
        return (self._level + self._worth[item] * (uses if self.by_uses else 1), time)

    def dropped(self, key: Key) -> None:
        """Raise the level."""
        self._level = key[0]


class GreedyDualFrequency(GreedyDual):
    """GreedyDual-Size with costs times the number of uses since the object came.

    Source: GDSF of Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency
    caching policy", HP Laboratories, 1998.
    """

    name = "greedy-dual-frequency"
    summary = "policy: GreedyDual-Size-Frequency, which counts uses as well"
    by_uses = True
