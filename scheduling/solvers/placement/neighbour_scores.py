"""The default scheduler's score for neighbours: preferred affinity and anti-affinity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import NOWHERE, Flags, Ints
from scheduling.models.placement.eligibility import selects
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import ItemTerm

Floats = NDArray[np.float64]

_HARD_WEIGHT = 1
"""What a required affinity of a pod that runs adds for a new pod that it means."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """Equal terms of several items.

    Attributes
    ----------
    owners, meant
        (n,) the items that have the term, and those that it means.
    domain
        (m,) domain of each node, or ``NOWHERE``.
    weight
        What each item meant adds; below 0 for anti-affinity.
    required
        Whether the term binds its owners: then it only counts for others.
    """

    owners: Flags
    meant: Flags
    domain: Ints
    weight: int
    required: bool


class NeighbourScores:
    """Scores of nodes from 0 to 100 for what stands near: the plug-in InterPodAffinity.

    Each preferred term of the item adds its weight for every item meant in the node's domain, each
    preferred term of an item that stands in the domain and means this one adds its own, and each
    required affinity of such an item adds 1; anti-affinity subtracts.
    """

    def __init__(self, problem: PlacementProblem) -> None:
        self._problem = problem
        groups: dict[str, tuple[Item, ItemTerm, int, bool, list[int]]] = {}
        for number, item in enumerate(problem.items):
            for term, weight, required in _terms(item):
                spaces = term.namespaces or (item.namespace,)
                key = f"{spaces} {weight} {required} {term.model_dump_json()}"
                groups.setdefault(key, (item, term, weight, required, []))[-1].append(number)
        self._wishes = [self._wish(*group) for group in groups.values()]

    def of(self, node: Ints, item: int, options: Ints) -> Floats:
        """Score nodes for an item.

        Parameters
        ----------
        node
            Node of each item, below 0 where it stands nowhere.
        item
            The item to place.
        options
            The nodes.
        """
        score = np.zeros(len(options))
        for wish in self._wishes:
            if wish.owners[item] and not wish.required:
                score += wish.weight * _near(wish, wish.meant, node, options)
            if wish.meant[item]:
                score += wish.weight * _near(wish, wish.owners, node, options)
        if not self._wishes or not len(score) or score.max() == score.min():
            return np.zeros(len(score))
        low, high = score.min(), score.max()
        scaled: Floats = np.floor(100.0 * (score - low) / (high - low))
        return scaled

    def _wish(
        self, owner: Item, term: ItemTerm, weight: int, required: bool, owners: list[int]
    ) -> _Wish:
        items, spaces = self._problem.items, term.namespaces or (owner.namespace,)
        has = np.zeros(len(items), bool)
        has[owners] = True
        meant = [i.namespace in spaces and selects(term.selector, i.labels) for i in items]
        values: dict[str, int] = {}
        domain = [
            values.setdefault(n.labels[term.topology], len(values))
            if term.topology in n.labels
            else NOWHERE
            for n in self._problem.nodes
        ]
        return _Wish(has, np.array(meant, bool), np.array(domain, np.int64), weight, required)


def _terms(item: Item) -> Iterator[tuple[ItemTerm, int, bool]]:
    for wish in item.item_preferences:
        yield wish.term, -wish.weight if wish.apart else wish.weight, False
    for term in item.affinity:
        yield term, _HARD_WEIGHT, True


def _near(wish: _Wish, crowd: Flags, node: Ints, options: Ints) -> Ints:
    """Count the items of a crowd that stand in each node's domain."""
    domains = wish.domain[node[crowd & (node >= 0)]]
    counts = np.bincount(domains[domains >= 0], minlength=int(wish.domain.max(initial=0)) + 1)
    here = wish.domain[options]
    found: Ints = np.where(here >= 0, counts[here], 0)
    return found
