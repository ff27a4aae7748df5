"""The part of the checker that looks at what items on one node cost each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.models.base import Violation
from scheduling.models.placement.check_neighbours import selects
from scheduling.models.placement.problem import Item, PlacementProblem


@dataclass(frozen=True, slots=True)
class Loss:
    """What one item loses on its node, and to whom."""

    item: Item
    amount: int
    causes: frozenset[str]


def losses(problem: PlacementProblem, placed: dict[str, str]) -> Iterator[Loss]:
    """Yield every placed item that loses something."""
    if not problem.interference:
        return
    standing: dict[str, list[Item]] = defaultdict(list)
    for item in problem.items:
        if item.id in placed:
            standing[placed[item.id]].append(item)
    known: dict[tuple[tuple[str, str], ...], list[tuple[bool, bool]]] = {}

    def roles(item: Item) -> list[tuple[bool, bool]]:
        """Tell for each rule whether it means an item as a victim, and as a neighbour."""
        labels = tuple(sorted(item.labels.items()))
        if labels not in known:
            known[labels] = [
                (selects(rule.victim, item.labels), selects(rule.neighbour, item.labels))
                for rule in problem.interference
            ]
        return known[labels]

    for items in standing.values():
        causes = [
            [other.id for other in items if roles(other)[number][1]]
            for number in range(len(problem.interference))
        ]
        for item in items:
            amount = 0
            beside: set[str] = set()
            for number, rule in enumerate(problem.interference):
                if roles(item)[number][0]:
                    others = [name for name in causes[number] if name != item.id]
                    amount += rule.degradation * len(others)
                    beside.update(others)
            if amount > 0:
                yield Loss(item, amount, frozenset(beside))


def interference_violations(
    problem: PlacementProblem, placed: dict[str, str], arrivals: frozenset[str]
) -> Iterator[Violation]:
    """Yield every item that loses more than it may, where it or what slows it down arrived."""
    if all(item.max_degradation is None for item in problem.items):
        return
    for loss in losses(problem, placed):
        most = loss.item.max_degradation
        changed = loss.item.id in arrivals or not arrivals.isdisjoint(loss.causes)
        if most is not None and loss.amount > most and changed:
            yield Violation("interference", f"item {loss.item.id!r}", loss.amount - most, "units")
