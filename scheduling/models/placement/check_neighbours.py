"""The part of the checker that looks at items together: affinity, anti-affinity, spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.models.base import Violation
from scheduling.models.placement.check_nodes import meets, taints_in_the_way, unselected
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import ItemTerm, Selector, Spread


@dataclass(frozen=True, slots=True)
class _Standing:
    """An item on its node."""

    item: Item
    node: Node
    arrived: bool


def selects(selector: Selector, labels: dict[str, str]) -> bool:
    """Tell whether a selector means an item with these labels."""
    exact = all(labels.get(key) == value for key, value in selector.match.items())
    return exact and all(meets(entry, labels) for entry in selector.requirements)


def neighbour_violations(
    problem: PlacementProblem, placed: dict[str, str], arrivals: frozenset[str]
) -> Iterator[Violation]:
    """Yield every arrival that stands with what it avoids, without what it needs, or unevenly."""
    nodes = {node.id: node for node in problem.nodes}
    items = {item.id: item for item in problem.items}
    standing = [
        _Standing(items[name], nodes[node], name in arrivals) for name, node in placed.items()
    ]
    crowds = _Crowds(standing)
    spreads = _Spreads(problem.nodes, standing)
    for one in standing:
        for term in one.item.anti_affinity:
            yield from _apart(one, term, crowds)
        if one.arrived:
            for spread in one.item.spread:
                yield from _even(one, spread, spreads)
    yield from _alone(standing, _Bonds(problem.items))


class _Crowds:
    """Items that a term means, by domain; found once for all items that share a term."""

    def __init__(self, standing: list[_Standing]) -> None:
        self._standing = standing
        self._found: dict[str, dict[str | None, list[_Standing]]] = {}

    def of(self, term: ItemTerm, owner: Item) -> dict[str | None, list[_Standing]]:
        """Return the items that an owner's term means by the value of its label."""
        namespaces = term.namespaces or (owner.namespace,)
        key = f"{namespaces} {term.model_dump_json()}"
        if key not in self._found:
            found: dict[str | None, list[_Standing]] = {}
            for other in self._standing:
                same = other.item.namespace in namespaces
                if same and selects(term.selector, other.item.labels):
                    found.setdefault(other.node.labels.get(term.topology), []).append(other)
            self._found[key] = found
        return self._found[key]


def _apart(one: _Standing, term: ItemTerm, crowds: _Crowds) -> Iterator[Violation]:
    domain = one.node.labels.get(term.topology)
    if domain is None:
        return
    for other in crowds.of(term, one.item).get(domain, []):
        if other.item.id != one.item.id and (one.arrived or other.arrived):
            where = f"{one.item.id!r} and {other.item.id!r} in {term.topology}={domain}"
            yield Violation("anti-affinity", where)


_Bond = frozenset[tuple[str, frozenset[str]]]
"""Terms of affinity: of each the label, and the items that it means."""


class _Bonds:
    """What the terms of affinity of items mean; items with the same terms share a bond."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self._crowds: dict[tuple[str, frozenset[tuple[str, str]]], list[str]] = {}
        for item in items:
            kind = item.namespace, frozenset(item.labels.items())
            self._crowds.setdefault(kind, []).append(item.id)
        self._meant: dict[str, frozenset[str]] = {}
        self._found: dict[str, _Bond] = {}

    def of(self, item: Item) -> tuple[_Bond, bool]:
        """Return an item's bond, and whether all its terms mean the item itself."""
        key = f"{item.namespace} {item.model_dump_json(include={'affinity'})}"
        if key not in self._found:
            self._found[key] = frozenset(
                (term.topology, self._means(term, item)) for term in item.affinity
            )
        bond = self._found[key]
        return bond, all(item.id in meant for _, meant in bond)

    def _means(self, term: ItemTerm, owner: Item) -> frozenset[str]:
        spaces = term.namespaces or (owner.namespace,)
        key = f"{spaces} {term.selector.model_dump_json()}"
        if key not in self._meant:
            self._meant[key] = frozenset(
                name
                for (space, labels), names in self._crowds.items()
                if space in spaces and selects(term.selector, dict(labels))
                for name in names
            )
        return self._meant[key]


def _alone(standing: list[_Standing], bonds: _Bonds) -> Iterator[Violation]:
    """Yield the arrivals that do not find what they need in a domain.

    Each that arrives needs one that is there before it. Among those of one bond that all arrive
    this goes back to a first one, which must need nobody, or to one of another bond, or that stays.
    """
    together: dict[tuple[_Bond, bool], list[_Standing]] = {}
    for one in standing:
        if one.arrived and one.item.affinity:
            together.setdefault(bonds.of(one.item), []).append(one)
    places = {one.item.id: one for one in standing}
    for (bond, own), members in together.items():
        names = {one.item.id for one in members}
        before = []
        for topology, meant in bond:
            there = [places[name].node for name in meant if name in places and name not in names]
            before.append((topology, {node.labels.get(topology) for node in there} - {None}))
        first = own and not any(domains for _, domains in before)
        for topology, taken in before:
            head = members[0].node.labels.get(topology)
            for one in members:
                domain = one.node.labels.get(topology)
                if domain is None or not (domain in taken or (first and domain == head)):
                    where = f"{one.item.id!r} in {topology}={domain}"
                    yield Violation("affinity", where)


COUNTED = {"namespace", "node_selector", "node_affinity", "tolerations", "spread"}
"""Fields of an item that say which nodes count for its spread."""


class _Spreads:
    """Numbers of items by domain; counted once for all items that share a constraint."""

    def __init__(self, nodes: tuple[Node, ...], standing: list[_Standing]) -> None:
        self._nodes, self._standing = nodes, standing
        self._found: dict[str, Counter[str]] = {}

    def of(self, spread: Spread, owner: Item) -> Counter[str]:
        """Count what a constraint of an owner means, in every domain that the owner may use."""
        wishes = owner.model_dump_json(include=COUNTED)
        key = f"{wishes} {spread.model_dump_json()}"
        if key not in self._found:
            counts: Counter[str] = Counter()
            allowed: set[str] = set()
            for node in self._nodes:
                if counts_for(spread, owner, node):
                    allowed.add(node.id)
                    counts[node.labels[spread.topology]] += 0
            for other in self._standing:
                same = other.item.namespace == owner.namespace and other.node.id in allowed
                stays = same and not other.item.leaving
                if stays and selects(spread.selector, other.item.labels):
                    counts[other.node.labels[spread.topology]] += 1
            self._found[key] = counts
        return self._found[key]


def counts_for(spread: Spread, owner: Item, node: Node) -> bool:
    """Tell whether a node counts for a constraint of an owner."""
    if any(entry.topology not in node.labels for entry in owner.spread):
        return False
    if spread.honor_affinity and list(unselected(owner, node)):
        return False
    return not (spread.honor_taints and (node.closed or taints_in_the_way(owner, node)))


def _even(one: _Standing, spread: Spread, spreads: _Spreads) -> Iterator[Violation]:
    domain = one.node.labels.get(spread.topology)
    if domain is None:
        yield Violation("spread", f"{one.item.id!r} on {one.node.id!r} without {spread.topology}")
        return
    counts = spreads.of(spread, one.item)
    least = 0 if len(counts) < spread.min_domains else min(counts.values())
    if counts[domain] - least > spread.max_skew:
        where = f"{one.item.id!r} in {spread.topology}={domain}"
        yield Violation("spread", where, counts[domain] - least - spread.max_skew, "items")
