"""The part of the checker that looks at items together: affinity, anti-affinity, spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.models.base import Violation
from scheduling.models.placement.check_nodes import meets, obstacles
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import ItemTerm, Selector, Spread


@dataclass(frozen=True, slots=True)
class _Standing:
    """An item on its node."""

    item: Item
    node: Node

    @property
    def arrived(self) -> bool:
        return self.item.node != self.node.id


def selects(selector: Selector, labels: dict[str, str]) -> bool:
    """Tell whether a selector means an item with these labels."""
    exact = all(labels.get(key) == value for key, value in selector.match.items())
    return exact and all(meets(entry, labels) for entry in selector.requirements)


def neighbour_violations(problem: PlacementProblem, placed: dict[str, str]) -> Iterator[Violation]:
    """Yield every arrival that stands with what it avoids, without what it needs, or unevenly."""
    nodes = {node.id: node for node in problem.nodes}
    items = {item.id: item for item in problem.items}
    standing = [_Standing(items[name], nodes[node]) for name, node in placed.items()]
    for one in standing:
        for term in one.item.anti_affinity:
            yield from _apart(one, term, standing)
        if one.arrived:
            for term in one.item.affinity:
                yield from _together(one, term, standing)
            for spread in one.item.spread:
                yield from _even(one, spread, standing, problem.nodes)


def _means(term: ItemTerm, owner: Item, other: Item) -> bool:
    namespaces = term.namespaces or (owner.namespace,)
    return other.namespace in namespaces and selects(term.selector, other.labels)


def _apart(one: _Standing, term: ItemTerm, standing: list[_Standing]) -> Iterator[Violation]:
    domain = one.node.labels.get(term.topology)
    if domain is None:
        return
    for other in standing:
        if other.item.id == one.item.id or not (one.arrived or other.arrived):
            continue
        near = other.node.labels.get(term.topology) == domain
        if near and _means(term, one.item, other.item):
            where = f"{one.item.id!r} and {other.item.id!r} in {term.topology}={domain}"
            yield Violation("anti-affinity", where)


def _together(one: _Standing, term: ItemTerm, standing: list[_Standing]) -> Iterator[Violation]:
    domain = one.node.labels.get(term.topology)
    meant = [
        other
        for other in standing
        if other.item.id != one.item.id and _means(term, one.item, other.item)
    ]
    near = any(other.node.labels.get(term.topology) == domain for other in meant)
    alone = not meant and _means(term, one.item, one.item)
    if domain is None or not (near or alone):
        where = f"{one.item.id!r} in {term.topology}={domain}"
        yield Violation("affinity", where)


def _even(
    one: _Standing, spread: Spread, standing: list[_Standing], nodes: tuple[Node, ...]
) -> Iterator[Violation]:
    bare = one.item.model_copy(update={"tolerations": (), "volumes": ()})
    counts: Counter[str] = Counter()
    allowed: set[str] = set()
    for node in nodes:
        domain = node.labels.get(spread.topology)
        barred = {reason for reason in obstacles(bare, node) if not reason.startswith("taint")}
        if domain is not None and not barred - {"closed"}:
            allowed.add(node.id)
            counts[domain] += 0
    for other in standing:
        same = other.item.namespace == one.item.namespace
        if same and other.node.id in allowed and selects(spread.selector, other.item.labels):
            counts[other.node.labels[spread.topology]] += 1
    domain = one.node.labels.get(spread.topology)
    if domain is None:
        yield Violation("spread", f"{one.item.id!r} on {one.node.id!r} without {spread.topology}")
        return
    least = 0 if len(counts) < spread.min_domains else min(counts.values())
    if counts[domain] - least > spread.max_skew:
        where = f"{one.item.id!r} in {spread.topology}={domain}"
        yield Violation("spread", where, counts[domain] - least - spread.max_skew, "items")
