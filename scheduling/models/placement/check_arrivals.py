"""Rules about neighbours at each arrival of a dry run, counted up as items come and go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from scheduling.models.placement.check_neighbours import COUNTED, counts_for, selects
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import ItemTerm, Selector, Spread


@dataclass(eq=False)
class _Crowd:
    """Some items, how many of them stand in each domain of a label, and how many in all of them.

    ``nodes`` are the nodes that count; ``None``: all.
    """

    label: str
    members: frozenset[str]
    nodes: frozenset[str] | None = None
    standing: Counter[str] = field(default_factory=Counter)
    total: int = 0


class Arrivals:
    """Tells whether an item may come to a node beside what stands there at that moment.

    While an item moves, it stands on both nodes, and counts on the old one as any other item.

    Parameters
    ----------
    problem
        The problem; nothing stands anywhere to begin with.
    arriving
        Ids of the items that may be asked for.
    """

    def __init__(self, problem: PlacementProblem, arriving: Iterable[str]) -> None:
        self._labels = {node.id: node.labels for node in problem.nodes}
        self._groups = _Groups(problem.items)
        self._leaving = {item.id for item in problem.items if item.leaving}
        self._meant: dict[str, _Crowd] = {}
        self._even: dict[str, tuple[_Crowd, frozenset[str]]] = {}
        self._around: dict[str, list[_Crowd]] = defaultdict(list)
        self._avoided: dict[str, list[_Crowd]] = defaultdict(list)
        coming = set(arriving)
        guests = [item for item in problem.items if item.id in coming]
        for item in guests:
            for term in (*item.affinity, *item.anti_affinity):
                key = _key(item, term)
                if key not in self._meant:
                    self._meant[key] = self._crowd(term.topology, self._means(item, term))
            for spread in item.spread:
                self._spread(problem, item, spread)
        self._shun(problem, guests)

    def _shun(self, problem: PlacementProblem, guests: Sequence[Item]) -> None:
        """Find who has rules of anti-affinity against those that come."""
        terms: dict[str, tuple[Item, ItemTerm, list[str]]] = {}
        for item in problem.items:
            for term in item.anti_affinity:
                terms.setdefault(_key(item, term), (item, term, []))[2].append(item.id)
        known = _Groups(guests)
        for owner, term, owners in terms.values():
            unwelcome = known.meant(term.namespaces or (owner.namespace,), term.selector)
            if unwelcome:
                crowd = self._crowd(term.topology, owners)
                for name in unwelcome:
                    self._avoided[name].append(crowd)

    def come(self, item: str, node: str, number: int = 1) -> None:
        """Count an item on a node; with ``number=-1`` it leaves."""
        for crowd in self._around.get(item, ()):
            domain = self._labels[node].get(crowd.label)
            if domain is not None and (crowd.nodes is None or node in crowd.nodes):
                crowd.standing[domain] += number
                crowd.total += number

    def breaches(self, item: Item, node: str) -> Iterator[str]:
        """Yield the rules that would not hold if an item came to a node now."""
        labels = self._labels[node]
        for term in item.anti_affinity:
            crowd = self._meant[_key(item, term)]
            if crowd.standing[labels.get(crowd.label, "")] > 0 and crowd.label in labels:
                yield f"anti-affinity in {crowd.label}={labels[crowd.label]}"
        for crowd in self._avoided.get(item.id, ()):
            if crowd.label in labels and crowd.standing[labels[crowd.label]] > 0:
                yield f"anti-affinity of others in {crowd.label}={labels[crowd.label]}"
        near = [self._meant[_key(item, term)] for term in item.affinity]
        first = all(item.id in crowd.members and crowd.total == 0 for crowd in near)
        for crowd in near:
            domain = labels.get(crowd.label)
            if domain is None or not (crowd.standing[domain] > 0 or first):
                yield f"affinity in {crowd.label}={domain}"
        for spread in item.spread:
            if not self._is_even(item, spread, node):
                yield f"spread over {spread.topology}"

    def _is_even(self, item: Item, spread: Spread, node: str) -> bool:
        crowd, domains = self._even[_spread_key(item, spread)]
        domain = self._labels[node].get(spread.topology)
        if domain is None:
            return False
        then = {name: crowd.standing[name] for name in domains}
        least = 0 if len(domains) < spread.min_domains else min(then.values(), default=0)
        counts = item.id in crowd.members and (crowd.nodes is None or node in crowd.nodes)
        if domain not in then:
            return True  # No such domain is counted.
        return then[domain] + counts - least <= spread.max_skew

    def _crowd(
        self, label: str, members: Iterable[str], nodes: frozenset[str] | None = None
    ) -> _Crowd:
        crowd = _Crowd(label, frozenset(members), nodes)
        for name in crowd.members:
            self._around[name].append(crowd)
        return crowd

    def _means(self, item: Item, term: ItemTerm) -> list[str]:
        return self._groups.meant(term.namespaces or (item.namespace,), term.selector)

    def _spread(self, problem: PlacementProblem, item: Item, spread: Spread) -> None:
        key = _spread_key(item, spread)
        if key in self._even:
            return
        members = [
            name
            for name in self._groups.meant((item.namespace,), spread.selector)
            if name not in self._leaving
        ]
        nodes = frozenset(node.id for node in problem.nodes if counts_for(spread, item, node))
        domains = frozenset(self._labels[name][spread.topology] for name in nodes)
        self._even[key] = self._crowd(spread.topology, members, nodes), domains


class _Groups:
    """Items by namespace and labels: what selectors look at."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._found: dict[tuple[str, frozenset[tuple[str, str]]], list[Item]] = {}
        for item in items:
            key = item.namespace, frozenset(item.labels.items())
            self._found.setdefault(key, []).append(item)

    def meant(self, namespaces: Sequence[str], selector: Selector) -> list[str]:
        """Return the items of some namespaces that a selector means."""
        return [
            item.id
            for (space, _), items in self._found.items()
            if space in namespaces and selects(selector, items[0].labels)
            for item in items
        ]


def _key(item: Item, term: ItemTerm) -> str:
    return f"{term.namespaces or (item.namespace,)} {term.model_dump_json()}"


def _spread_key(item: Item, spread: Spread) -> str:
    wishes = item.model_dump_json(include=COUNTED)
    return f"{wishes} {spread.model_dump_json()}"
