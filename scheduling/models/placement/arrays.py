"""The dense form of a placement problem: classes of equal items, nodes and resources as indices.

Items that agree in everything but their name and their present node form a class; a placement is
then a number for each class and node, and equal items are told apart again only in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.goals import Aims, Standing

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
    """

    owner: int
    meant: tuple[int, ...]
    domains: int
    max_skew: int = 0
    min_domains: int = 0


@dataclass(frozen=True, eq=False)
class PlacementArrays:
    """Arrays of one problem; ``n`` items, ``K`` classes, ``m`` nodes, ``R`` resources.

    Attributes
    ----------
    item_ids, node_ids : names, in the order of the arrays.
    now : (n,) node on which each item runs, or ``NOWHERE``.
    pinned : (n,) whether an item must stay.
    of_class : (n,) class of each item; members of a class are listed by ``members``.
    members : items of each class.
    demand : (K, R) of one item; taken ports count as resources of capacity 1.
    tier : (K,) tier of the class's priority, from 0 for the highest.
    eligible : (K, m) whether an item of the class may be put on the node, by itself.
    running, held : (K, m) how many of a class run on a node now, and how many of them are pinned.
    capacity : (m, R) what may stand on a node; what is overcommitted now may stay.
    move_cost, eviction_cost : (K,).
    node_cost : (m,).
    domains : domains of every label that a rule names.
    apart, together, even : rules of anti-affinity, affinity and spread.
    gangs : for each gang its classes of running and of pending items.
    budgets : classes of each disruption budget, and how many of their items may be disturbed.
    spread_nodes : for each class with a spread rule, the nodes whose items count.
    quotas : pairs ``(demand of one item of each class, limit)`` over placed items.
    max_moves : most disturbed items; ``None`` for no limit.
    goals : names of the tiers behind those of the priorities.
    aims : what the goals in use need.
    n_priorities : number of priority tiers.
    """

    item_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    now: Ints
    pinned: Flags
    of_class: Ints
    members: tuple[Ints, ...]
    demand: Ints
    tier: Ints
    eligible: Flags
    running: Ints
    held: Ints
    capacity: Ints
    move_cost: Ints
    eviction_cost: Ints
    node_cost: Ints
    domains: tuple[Domains, ...]
    apart: tuple[Rule, ...]
    together: tuple[Rule, ...]
    even: tuple[Rule, ...]
    spread_nodes: dict[int, Flags]
    gangs: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    budgets: tuple[tuple[tuple[int, ...], int], ...]
    quotas: tuple[tuple[Ints, int], ...]
    max_moves: int | None
    goals: tuple[str, ...]
    aims: Aims
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
        ties = (self.apart, self.together, self.even, self.gangs, self.budgets, self.quotas)
        return not any(ties) and self.max_moves is None

    def size(self) -> Ints:
        """Return the number of items of each class."""
        return np.array([len(members) for members in self.members], np.int64)

    def counts(self, node: Ints) -> Ints:
        """Count the items of each class on each node, (K, m); item i stands on ``node[i]``."""
        table = np.zeros((self.n_classes, self.n_nodes), np.int64)
        placed = node >= 0
        np.add.at(table, (self.of_class[placed], node[placed]), 1)
        return table

    def values(self, node: Ints) -> tuple[int, ...]:
        """Value of each tier when item i stands on ``node[i]`` (``NOWHERE``: not placed)."""
        missing = node < 0
        tiers = self.tier[self.of_class]
        unplaced = np.bincount(tiers[missing], minlength=self.n_priorities)
        at = Standing(self, node)
        values = [*unplaced.tolist()[: self.n_priorities], *map(at.value, self.goals)]
        return tuple(int(value) for value in values) or (0,)

    def assign(self, counts: Ints) -> Ints:
        """Tell the items of each class apart: node of each item, so that few move.

        Those that may stay do, pinned ones first; then those that run elsewhere move; then pending
        ones fill what is left.
        """
        node = np.full(self.n_items, NOWHERE, np.int64)
        for number, members in enumerate(self.members):
            left = counts[number].copy()
            order = members[np.argsort(~self.pinned[members], kind="stable")]
            for item in order[self.now[order] >= 0].tolist():
                here = self.now[item]
                if left[here] > 0:
                    node[item] = here
                    left[here] -= 1
            waiting = [item for item in order.tolist() if node[item] < 0]
            waiting.sort(key=lambda item: (self.now[item] < 0, item))
            places = np.repeat(np.arange(self.n_nodes), left)
            node[np.array(waiting[: len(places)], np.int64)] = places[: len(waiting)]
        return node
