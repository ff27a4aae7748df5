"""Faults of placement problems that fields alone do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from scheduling.errors import Fault
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import NodeTerm, Requirement, Selector


def find_faults(problem: PlacementProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    return [
        *_repeated("nodes", (node.id for node in problem.nodes)),
        *_repeated("items", (item.id for item in problem.items)),
        *_repeated("budgets", (budget.id for budget in problem.budgets)),
        *_repeated("quotas", (quota.id for quota in problem.quotas)),
        *_repeated("goals", problem.goals),
        *_items(problem),
        *_selectors(problem),
    ]


def _repeated(place: str, ids: Iterable[str]) -> Iterator[Fault]:
    for name, count in Counter(ids).items():
        if count > 1:
            yield Fault(place, f"{name!r} {count} times", "each once")


def _items(problem: PlacementProblem) -> Iterator[Fault]:
    nodes = {node.id for node in problem.nodes}
    for index, item in enumerate(problem.items):
        place = f"items[{index}]"
        if item.node is not None and item.node not in nodes:
            yield Fault(f"{place}.node", repr(item.node), "the id of a node")
        if item.pinned and item.node is None:
            yield Fault(f"{place}.pinned", "an item that runs nowhere", "a node where it runs")
        if len(set(item.ports)) < len(item.ports):
            yield Fault(f"{place}.ports", "a port twice", "each port once")
        yield from _terms(f"{place}.node_affinity", item.node_affinity)
        for number, terms in enumerate(item.volumes):
            yield from _terms(f"{place}.volumes[{number}]", terms)
        yield from _terms(f"{place}.preferences", (entry.term for entry in item.preferences))
        yield from _meant(place, item)


def _terms(place: str, terms: Iterable[NodeTerm]) -> Iterator[Fault]:
    for index, term in enumerate(terms):
        yield from _requirements(f"{place}[{index}].labels", term.labels)


def _meant(place: str, item: Item) -> Iterator[Fault]:
    for name in ("affinity", "anti_affinity", "spread"):
        for index, term in enumerate(getattr(item, name)):
            yield from _selector(f"{place}.{name}[{index}].selector", term.selector)


def _selectors(problem: PlacementProblem) -> Iterator[Fault]:
    for index, budget in enumerate(problem.budgets):
        yield from _selector(f"budgets[{index}].selector", budget.selector)


def _selector(place: str, selector: Selector) -> Iterator[Fault]:
    for index, requirement in enumerate(selector.requirements):
        if requirement.operator in ("Gt", "Lt"):
            where = f"{place}.requirements[{index}].operator"
            yield Fault(where, requirement.operator, "In, NotIn, Exists or DoesNotExist")
    yield from _requirements(f"{place}.requirements", selector.requirements)


def _requirements(place: str, requirements: Iterable[Requirement]) -> Iterator[Fault]:
    for index, requirement in enumerate(requirements):
        where, operator = f"{place}[{index}].values", requirement.operator
        count = len(requirement.values)
        if operator in ("In", "NotIn") and count == 0:
            yield Fault(where, "none", f"at least one value for {operator}")
        if operator in ("Exists", "DoesNotExist") and count > 0:
            yield Fault(where, f"{count} values", f"no value for {operator}")
        if operator in ("Gt", "Lt") and not _one_number(requirement.values):
            yield Fault(where, ", ".join(requirement.values) or "none", "one whole number")


def _one_number(values: tuple[str, ...]) -> bool:
    if len(values) != 1:
        return False
    digits = values[0].removeprefix("-")
    return digits.isascii() and digits.isdigit()
