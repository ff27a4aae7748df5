"""Caching problems as arrays, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scheduling.models.caching.problem import CachingProblem

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CachingArrays:
    """Gaps between two uses of an object in a row; a candidate says which of them are kept.

    Gaps are in order of the use that ends them; the time t is that between request t - 1 and t.

    Attributes
    ----------
    item
        Object of each gap.
    first, end
        Times at which the object takes room: ``first <= t < end``.
    size, gain
        Room that it takes and cost of the miss that it saves.
    before
        Gap of the object that it continues, which ends at the same request; -1: it continues none,
        ``NEVER``: it continues a miss.
    depth
        Number of gaps before it in its chain.
    forced
        Gaps of pinned objects.
    room
        Room at each time, without what pinned objects take behind their last use.
    capacity
        Room that there is.
    total
        Cost when everything is a miss.
    access, starts
        Objects of all requests one after the other, and where those of each request start.
    gap_of
        Gap that each of these accesses ends; -1: its first use.
    sizes, costs, parent, pinned, held
        Of each object.
    """

    item: Ints
    first: Ints
    end: Ints
    size: Ints
    gain: Ints
    before: Ints
    depth: Ints
    forced: Flags
    room: Ints
    capacity: int
    total: int
    access: Ints
    starts: Ints
    gap_of: Ints
    sizes: Ints
    costs: Ints
    parent: Ints
    pinned: Flags
    held: Ints

    @property
    def n_gaps(self) -> int:
        """Number of gaps."""
        return len(self.item)

    @property
    def n_requests(self) -> int:
        """Number of requests."""
        return len(self.starts) - 1

    def layers(self) -> list[Ints]:
        """Return the gaps by depth: those that continue others behind these."""
        order = np.argsort(self.depth, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.depth))[:-1]) if len(order) else []

    def useful(self, kept: Flags) -> Flags:
        """Return which kept gaps save a miss: those of chains that are kept from the first on."""
        found: Flags = kept & (self.before != NEVER)
        for layer in self.layers()[1:]:
            found[layer] &= found[self.before[layer]]
        return found

    def trimmed(self, kept: Flags) -> Flags:
        """Drop what saves nothing and is not pinned."""
        return self.useful(kept) | self.forced

    def cost(self, kept: Flags) -> int:
        """Sum of the costs of the misses."""
        return self.total - int(self.gain[self.useful(kept)].sum())

    def load(self, kept: Flags) -> Ints:
        """Room taken at each time by the gaps that are kept."""
        change = np.zeros(self.n_requests + 1, np.int64)
        np.add.at(change, self.first[kept], self.size[kept])
        np.subtract.at(change, self.end[kept], self.size[kept])
        return np.asarray(np.cumsum(change)[: self.n_requests])

    def fits(self, kept: Flags) -> bool:
        """Tell whether the gaps fit, and those of pinned objects are among them."""
        held = (self.load(kept) <= self.room).all()
        return bool(held) and bool(kept[self.forced].all())


NEVER = -2
"""``before`` of a gap whose chain begins with an object that cannot be a hit then."""


def compile_caching(problem: CachingProblem) -> CachingArrays:
    """Translate a problem into arrays."""
    number = {entry.id: index for index, entry in enumerate(problem.objects)}
    sizes = np.array([entry.size for entry in problem.objects], np.int64)
    costs = np.array([entry.cost for entry in problem.objects], np.int64)
    pinned = np.array([entry.pinned for entry in problem.objects], np.bool_)
    parent = np.array(
        [-1 if entry.after is None else number[entry.after] for entry in problem.objects], np.int64
    )
    held = np.array([number[name] for name in problem.held], np.int64)
    counts = np.array([len(names) for names in problem.requests], np.int64)
    starts = np.concatenate(([0], np.cumsum(counts)))
    access = np.array([number[name] for names in problem.requests for name in names], np.int64)
    request = np.repeat(np.arange(len(counts)), counts)
    # Uses of one object follow each other; what is held was used at time 0, before request 0.
    every = np.concatenate((held, access))
    when = np.concatenate((np.zeros(len(held), np.int64), request + 1))
    order = np.argsort(every, kind="stable")
    follows = np.flatnonzero(every[order][1:] == every[order][:-1])
    ends = order[1:][follows]
    by_end = np.argsort(ends, kind="stable")
    ends, begins = ends[by_end], order[:-1][follows][by_end]
    gap_of = np.full(len(access), -1, np.int64)
    gap_of[ends - len(held)] = np.arange(len(ends))
    before, depth = _chains(access, starts, parent, gap_of, len(ends))
    last = np.flatnonzero(np.append(every[order][1:] != every[order][:-1], True))[: len(every)]
    room = np.full(len(counts), problem.capacity, np.int64)
    for use in order[last] if len(every) else ():
        if pinned[every[use]]:
            room[when[use] :] -= sizes[every[use]]
    return CachingArrays(
        item=every[ends],
        first=when[begins],
        end=when[ends],
        size=sizes[every[ends]],
        gain=costs[every[ends]],
        before=before,
        depth=depth,
        forced=pinned[every[ends]],
        room=room,
        capacity=problem.capacity,
        total=int(costs[access].sum()),
        access=access,
        starts=starts,
        gap_of=gap_of,
        sizes=sizes,
        costs=costs,
        parent=parent,
        pinned=pinned,
        held=held,
    )


def _chains(
    access: Ints, starts: Ints, parent: Ints, gap_of: Ints, n_gaps: int
) -> tuple[Ints, Ints]:
    """Find the gap before each gap in its chain, and how many there are."""
    before, depth = np.full(n_gaps, -1, np.int64), np.zeros(n_gaps, np.int64)
    if (parent < 0).all():
        return before, depth
    for start, stop in pairwise(starts.tolist()):
        found: dict[int, int] = {}
        rows = zip(access[start:stop].tolist(), gap_of[start:stop].tolist(), strict=True)
        for name, gap in rows:
            found[name] = gap
            above = int(parent[name])
            if gap < 0 or above < 0:
                continue
            link = found[above]
            dead = link < 0 or before[link] == NEVER
            before[gap] = NEVER if dead else link
            depth[gap] = 0 if dead else depth[link] + 1
    return before, depth
