"""Nodes in groups of equal room, and what may still be decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays


@dataclass(frozen=True, eq=False)
class Groups:
    """Nodes with the same room for the same classes, once what cannot move stands there.

    Pinned items stay, and those on nodes that they could not come back to.

    Attributes
    ----------
    arrays : the problem.
    fixed : (K, m) items that stay in any case.
    of : (m,) group of each node.
    count : (T,) nodes of each group.
    room : (T, R) room of one of its nodes beside what is fixed.
    open_to : (T, K) classes that may come there.
    """

    arrays: PlacementArrays
    fixed: Ints
    of: Ints
    count: Ints
    room: Ints
    open_to: Flags

    @classmethod
    def of_nodes(cls, arrays: PlacementArrays) -> Groups:
        """Find the groups of a problem."""
        fixed: Ints = np.where(arrays.eligible, arrays.held, arrays.running)
        room = arrays.capacity - fixed.T @ arrays.demand
        keys = np.hstack([room, np.packbits(arrays.eligible, axis=0).T.astype(np.int64)])
        _, first, of, count = np.unique(
            keys, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        open_to: Flags = arrays.eligible[:, first].T.copy()
        return cls(arrays, fixed, of.reshape(-1), count, room[first], open_to)

    @cached_property
    def size(self) -> Ints:
        """Items of each class that are to be placed, (K,)."""
        found: Ints = self.arrays.size() - self.fixed.sum(axis=1)
        return found

    @cached_property
    def nodes(self) -> Ints:
        """Nodes, one group after the other, (m,)."""
        return np.argsort(self.of, kind="stable")

    def members(self, group: int) -> Ints:
        """Nodes of a group."""
        first = int(self.count[:group].sum())
        return self.nodes[first : first + int(self.count[group])]

    @cached_property
    def running(self) -> Ints:
        """Items of each class that run on each node and may stay or go, (m, K)."""
        return np.ascontiguousarray((self.arrays.running - self.fixed).T)

    @cached_property
    def kinds(self) -> Kinds:
        """Nodes of a group on which the same runs."""
        keys = np.hstack([self.of[:, None], self.running])
        _, first, of, count = np.unique(
            keys, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        group = self.of[first]
        ends = np.searchsorted(group, np.arange(len(self.count) + 1))
        return Kinds(of.reshape(-1), group, count, self.running[first], ends)


@dataclass(frozen=True, eq=False)
class Kinds:
    """Nodes of a group on which the same runs, one group after the other.

    Attributes
    ----------
    of : (m,) kind of each node.
    group, count : (J,) group of each kind, and its nodes.
    running : (J, K) items that run on one of its nodes and may stay or go.
    first : (T + 1,) where the kinds of each group begin, and the end.
    """

    of: Ints
    group: Ints
    count: Ints
    running: Ints
    first: Ints

    def left(self, count: Ints) -> Kinds:
        """Return those of which nodes are left; which node is of which kind is not told."""
        kept = count > 0
        group = self.group[kept]
        ends = np.searchsorted(group, np.arange(len(self.first)))
        return Kinds(np.zeros(0, np.int64), group, count[kept], self.running[kept], ends)

    @classmethod
    def none(cls, groups: Groups) -> Kinds:
        """Leave out what runs."""
        empty, classes = np.zeros(0, np.int64), len(groups.size)
        ends = np.zeros(len(groups.count) + 1, np.int64)
        return cls(empty, empty, empty, np.zeros((0, classes), np.int64), ends)
