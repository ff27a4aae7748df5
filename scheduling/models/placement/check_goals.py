"""The part of the checker that evaluates goals, each from its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scheduling.models.placement.check_fragmentation import fragmentation
from scheduling.models.placement.check_interference import losses
from scheduling.models.placement.check_neighbours import selects
from scheduling.models.placement.check_nodes import meets_any_term
from scheduling.models.placement.check_parts import Uses, fragments, taken
from scheduling.models.placement.check_time import moments, there
from scheduling.models.placement.measures import MILLIONTHS
from scheduling.models.placement.problem import Goal, Item, Node, PlacementProblem
from scheduling.models.placement.rules import ItemTerm


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where everything stands.

    Attributes
    ----------
    placed
        Node of each placed item.
    uses
        Parts that each placed item takes.
    arrivals
        Placed items that do not stay as they run now.
    """

    placed: dict[str, str]
    uses: Uses
    arrivals: frozenset[str]


def goal_value(problem: PlacementProblem, at: Outcome, goal: Goal) -> int:
    """Return the value of a goal."""
    return _VALUES[goal](problem, at)


def _running(problem: PlacementProblem) -> Iterable[Item]:
    return (item for item in problem.items if item.node is not None)


def _evictions(problem: PlacementProblem, at: Outcome) -> int:
    return sum(item.eviction_cost for item in _running(problem) if item.id not in at.placed)


def _moves(problem: PlacementProblem, at: Outcome) -> int:
    return sum(item.move_cost for item in _running(problem) if item.id in at.arrivals)


def _nodes(problem: PlacementProblem, at: Outcome) -> int:  # noqa: ARG001
    return len(set(at.placed.values()))


def _cost(problem: PlacementProblem, at: Outcome) -> int:
    used = set(at.placed.values())
    return sum(node.cost for node in problem.nodes if node.id in used)


def _fragments(problem: PlacementProblem, at: Outcome) -> int:
    return fragments(problem, at.placed, at.uses)


def _preferences(problem: PlacementProblem, at: Outcome) -> int:
    nodes = {node.id: node for node in problem.nodes}
    items = {item.id: item for item in problem.items}
    crowds = _Crowds([(items[name], nodes[node]) for name, node in at.placed.items()])
    lost = 0
    for name, host in at.placed.items():
        item, node = items[name], nodes[host]
        lost += sum(
            wish.weight for wish in item.preferences if not meets_any_term((wish.term,), node)
        )
        for claim in item.item_preferences:
            near = crowds.others(item, node, claim.term) > 0
            lost += claim.weight * (near == claim.apart)
    return lost


def _balance(problem: PlacementProblem, at: Outcome) -> int:
    measure = problem.balance
    if measure is None:
        return 0
    nodes = {node.id: node for node in problem.nodes}
    used: Counter[tuple[str, str, int]] = Counter()
    items = [item for item in problem.items if item.id in at.placed]
    times = list(moments(items))
    for item in items:
        node = nodes[at.placed[item.id]]
        if measure.kind is None:
            loads = [("", item.demands.get(measure.resource, 0))]
        else:
            kinds = {part.id: part.kind for part in node.parts}
            taken_there = taken(item, node, at.uses[item.id])
            loads = [
                (spot[1], need.get(measure.resource, 0))
                for spot, need in taken_there
                if kinds[spot[1]] == measure.kind
            ]
        for moment in times:
            if there(item, moment):
                for part, need in loads:
                    used[node.id, part, moment] += need
    fullest = 0
    for (name, part, _), amount in used.items():
        rooms = {entry.id: entry.capacity for entry in nodes[name].parts}
        capacity = (rooms[part] if part else nodes[name].capacity).get(measure.resource, 0)
        if capacity > 0:
            fullest = max(fullest, -(-MILLIONTHS * amount // capacity))
    return fullest


def _spread(problem: PlacementProblem, at: Outcome) -> int:
    nodes = {node.id: node for node in problem.nodes}
    topology = problem.spread_topology
    crowds: dict[tuple[str, str], Counter[tuple[bool, str]]] = {}
    for item in problem.items:
        if item.owner is not None and item.id in at.placed:
            node = nodes[at.placed[item.id]]
            shared = topology is not None and topology in node.labels
            domain = node.labels[topology] if shared and topology is not None else node.id
            counts = crowds.setdefault((item.namespace, item.owner), Counter())
            counts[shared, domain] += 1
    return sum(max(counts.values()) for counts in crowds.values())


def _interference(problem: PlacementProblem, at: Outcome) -> int:
    return sum(loss.amount for loss in losses(problem, at.placed))


class _Crowds:
    """Numbers of the items that terms mean, by domain; counted once for equal terms."""

    def __init__(self, standing: list[tuple[Item, Node]]) -> None:
        self._standing = standing
        self._found: dict[str, Counter[str]] = {}

    def others(self, item: Item, node: Node, term: ItemTerm) -> int:
        """Count the other items that an item's term means in the domain of a node."""
        domain = node.labels.get(term.topology)
        if domain is None:
            return 0
        spaces = term.namespaces or (item.namespace,)
        key = f"{spaces} {term.model_dump_json()}"
        if key not in self._found:
            self._found[key] = Counter(
                there.labels[term.topology]
                for other, there in self._standing
                if term.topology in there.labels
                and other.namespace in spaces
                and selects(term.selector, other.labels)
            )
        own = item.namespace in spaces and selects(term.selector, item.labels)
        return self._found[key][domain] - own


_VALUES: dict[Goal, Callable[[PlacementProblem, Outcome], int]] = {
    "evictions": _evictions,
    "moves": _moves,
    "nodes": _nodes,
    "cost": _cost,
    "fragments": _fragments,
    "preferences": _preferences,
    "balance": _balance,
    "interference": _interference,
    "spread": _spread,
    "fragmentation": lambda problem, at: fragmentation(problem, at.placed, at.uses),
}
