"""The dense form of a placement problem: classes of equal items, nodes and resources as indices.

Items that agree in everything but their name and their present node form a class; a placement is
then a number for each class and node, and equal items are told apart again only in the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.aims import UNLIMITED, Aims
from scheduling.models.placement.fragmentation import WorkloadArrays
from scheduling.models.placement.gangs import GangRule
from scheduling.models.placement.goals import Standing
from scheduling.models.placement.part_arrays import FragmentArrays, PartArrays, Places
from scheduling.models.placement.parts import PartUse

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NOWHERE = -1
"""Stands for «no node»."""


@dataclass(frozen=True, eq=False)
class Domains:
    """Nodes by the value of one label: ``of[j]`` is a domain's index or ``NOWHERE``."""

    of: Ints
    count: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule between classes over the domains of one label.

    Attributes
    ----------
    owner
        Class that has the rule.
    meant
        Classes of the items that it means.
    domains
        Index into :attr:`PlacementArrays.domains`.
    max_skew, min_domains
        Of spread rules; 0 otherwise.
    counted
        Of spread rules: index into :attr:`PlacementArrays.spread_nodes`.
    """

    owner: int
    meant: tuple[int, ...]
    domains: int
    max_skew: int = 0
    min_domains: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class Bond:
    """Terms of affinity between items that some classes share.

    Attributes
    ----------
    owners
        Classes that have these terms.
    terms
        Of each term the classes of the items that it means, and an index into
        :attr:`PlacementArrays.domains`.
    first
        Whether all terms mean the owners, so that the first of them need not join anybody.
    """

    owners: tuple[int, ...]
    terms: tuple[tuple[tuple[int, ...], int], ...]
    first: bool

    def leaders(self, meant: tuple[int, ...]) -> tuple[int, ...]:
        """Classes of a term's items that do not follow one another as the owners do."""
        return tuple(k for k in meant if k not in self.owners)

    def followers(self, meant: tuple[int, ...]) -> tuple[int, ...]:
        """Owners that a term means."""
        return tuple(k for k in meant if k in self.owners)


@dataclass(frozen=True, eq=False)
class PlacementArrays:
    """Arrays of one problem; ``n`` items, ``K`` classes, ``m`` nodes, ``R`` resources.

    Attributes
    ----------
    item_ids, node_ids : names, in the order of the arrays.
    places : numbers of places: nodes, and nodes with parts that an item takes.
    parts : parts of nodes and what classes take of them.
    now : (n,) place at which each item runs, or ``NOWHERE``.
    pinned : (n,) whether an item must stay.
    of_class : (n,) class of each item; members of a class are listed by ``members``.
    members : items of each class.
    n_named : number of the resources that nodes and items name, the first columns of ``demand``.
    demand : (K, R) of one item; taken ports count as resources of capacity 1, and sums over the
        parts of a node as further resources of it.
    tier : (K,) tier of the class's priority, from 0 for the highest.
    eligible : (K, m) whether an item of the class may be put on the node, by itself.
    drained : (K, m) whether it may only once enough has left: ``excess`` of what it asks for is 0.
    running, held : (K, m) how many of a class run on a node now, and how many of them are pinned.
    capacity : (m, R) what may stand on a node; what is overcommitted now may stay.
    excess : (m, R) what of it is beyond the node's room, and gone where anything that asks for the
        resource arrives.
    move_cost, eviction_cost : (K,).
    node_cost : (m,).
    domains : domains of every label that a rule names.
    apart, even : rules of anti-affinity and spread.
    together : affinity.
    gangs : the gangs.
    budgets : classes of each disruption budget, and how many of their items may be disturbed.
    spread_nodes : nodes whose items count for spread rules.
    patient : (K,) whether items of the class take only what is free beside all that runs now.
    quotas : pairs ``(demand of one item of each class, limit)`` over placed items.
    max_moves : most disturbed items; ``None`` for no limit.
    goals : names of the tiers behind those of the priorities.
    aims : what the goals in use need.
    workload : requests against which fragmentation is measured.
    fragment : what the goal ``fragments`` measures.
    n_priorities : number of priority tiers.
    """

    item_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    places: Places
    parts: PartArrays
    now: Ints
    pinned: Flags
    of_class: Ints
    members: tuple[Ints, ...]
    n_named: int
    demand: Ints
    tier: Ints
    eligible: Flags
    drained: Flags
    running: Ints
    held: Ints
    capacity: Ints
    excess: Ints
    move_cost: Ints
    eviction_cost: Ints
    node_cost: Ints
    domains: tuple[Domains, ...]
    apart: tuple[Rule, ...]
    together: tuple[Bond, ...]
    even: tuple[Rule, ...]
    spread_nodes: tuple[Flags, ...]
    patient: Flags
    gangs: tuple[GangRule, ...]
    budgets: tuple[tuple[tuple[int, ...], int], ...]
    quotas: tuple[tuple[Ints, int], ...]
    max_moves: int | None
    goals: tuple[str, ...]
    aims: Aims
    workload: WorkloadArrays | None
    fragment: FragmentArrays | None
    n_priorities: int

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.now)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_ids)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.members)

    @property
    def plain(self) -> bool:
        """Whether no rule ties items to each other beyond capacities."""
        if np.any(self.aims.tolerated != UNLIMITED):
            return False
        ties = (self.apart, self.together, self.even, self.gangs, self.budgets, self.quotas)
        tied = any(ties) or any(self.parts.shares) or bool(self.patient.any())
        return not tied and self.max_moves is None

    @cached_property
    def reachable(self) -> Flags:
        """Nodes on which items of a class may arrive, now or once others left, (K, m)."""
        found: Flags = self.eligible | self.drained
        return found

    @cached_property
    def usable(self) -> Flags:
        """Nodes on which items of a class may stand, (K, m): where they arrive, or run now."""
        found: Flags = self.reachable | (self.running > 0)
        return found

    def spare(self) -> Ints:
        """Return what of each resource is free on each node beside all that runs now, (m, R)."""
        free: Ints = self.capacity - self.running.T @ self.demand
        return free

    def size(self) -> Ints:
        """Return the number of items of each class."""
        return np.array([len(members) for members in self.members], np.int64)

    def counts(self, place: Ints) -> Ints:
        """Count the items of each class on each node, (K, m); item i stands at ``place[i]``."""
        table = np.zeros((self.n_classes, self.n_nodes), np.int64)
        placed = place >= 0
        np.add.at(table, (self.of_class[placed], self.places.nodes(place[placed])), 1)
        return table

    def staying(self, place: Ints) -> Ints:
        """Count the items of each class that may stay on each node, (K, m), as their places are."""
        if not any(self.parts.shares):
            return np.minimum(self.counts(place), self.running)
        table = np.zeros((self.n_classes, self.n_nodes), np.int64)
        for k, members in enumerate(self.members):
            now, then = Counter(self.now[members].tolist()), Counter(place[members].tolist())
            for spot, count in (now & then).items():
                if spot != NOWHERE:
                    table[k, self.places.node(spot)] += count
        return table

    def taken(self, place: Ints) -> Ints:
        """Sum up what is taken of each part, (P, Q); item i stands at ``place[i]``."""
        table = np.zeros_like(self.parts.capacity)
        for k, members in enumerate(self.members):
            if self.parts.shares[k]:
                for spot, count in Counter(place[members].tolist()).items():
                    if spot >= 0:
                        self.parts.add(table, k, self.places.uses(spot), count)
        return table

    def place(self, item: int, node: int, uses: Sequence[PartUse]) -> int | None:
        """Return the place of an item on some parts of a node; ``None``: not what it asks for."""
        shares = {share.kind: share for share in self.parts.shares[int(self.of_class[item])]}
        taken: Counter[str] = Counter()
        numbers = []
        for use in uses:
            part = self.parts.index.get((node, use.part))
            share = None if part is None else shares.get(self.parts.kind[part])
            if part is None or share is None or use.option >= len(share.need):
                return None
            taken[share.kind] += 1
            numbers.append((part, use.option))
        if any(taken[kind] != share.count for kind, share in shares.items()):
            return None
        return self.places.number(node, numbers)

    def part_uses(self, place: int) -> tuple[PartUse, ...]:
        """Return the parts taken at a place by their names."""
        ids = self.parts.ids
        return tuple(PartUse(part=ids[p], option=o) for p, o in self.places.uses(place))

    def values(self, place: Ints) -> tuple[int, ...]:
        """Value of each tier when item i stands at ``place[i]`` (``NOWHERE``: not placed)."""
        missing = place < 0
        tiers = self.tier[self.of_class]
        unplaced = np.bincount(tiers[missing], minlength=self.n_priorities)
        at = Standing(self, place)
        values = [*unplaced.tolist()[: self.n_priorities], *map(at.value, self.goals)]
        return tuple(int(value) for value in values) or (0,)

    def assign(self, counts: Ints, inside: Mapping[int, Sequence[int]] | None = None) -> Ints:
        """Tell the items of each class apart: place of each item, so that few move.

        Those that may stay do, pinned ones first; then those that run elsewhere move; then pending
        ones fill what is left.

        Parameters
        ----------
        counts
            (K, m) number of items of each class on each node.
        inside
            Places of the items of each class that takes parts, in any order.
        """
        place = np.full(self.n_items, NOWHERE, np.int64)
        for number, members in enumerate(self.members):
            if inside is None or number not in inside:
                nodes = np.flatnonzero(counts[number])
                left = Counter(
                    dict(zip(nodes.tolist(), counts[number, nodes].tolist(), strict=True))
                )
            else:
                left = Counter(inside[number])
            order = members[np.argsort(~self.pinned[members], kind="stable")]
            for item in order[self.now[order] >= 0].tolist():
                here = int(self.now[item])
                if left[here] > 0:
                    place[item] = here
                    left[here] -= 1
            waiting = [item for item in order.tolist() if place[item] < 0]
            waiting.sort(key=lambda item: (self.now[item] < 0, item))
            for item, spot in zip(waiting, left.elements(), strict=False):
                place[item] = spot
        return place
