"""Faults of placement problems that fields alone do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.placement.parts import MAX_TOTAL, Share
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodeTerm, Requirement, Selector


def find_faults(problem: PlacementProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    return [
        *repeated("nodes", (node.id for node in problem.nodes)),
        *repeated("items", (item.id for item in problem.items)),
        *repeated("budgets", (budget.id for budget in problem.budgets)),
        *repeated("quotas", (quota.id for quota in problem.quotas)),
        *repeated("gangs", (gang.id for gang in problem.gangs)),
        *repeated("goals", problem.goals),
        *_timeless(problem),
        *_totals(problem),
        *_parts(problem),
        *_items(problem),
        *_selectors(problem),
    ]


def _parts(problem: PlacementProblem) -> Iterator[Fault]:
    for index, node in enumerate(problem.nodes):
        yield from repeated(f"nodes[{index}].parts", (part.id for part in node.parts))
    if "fragments" in problem.goals and problem.fragment is None:
        yield Fault("fragment", "none", "what the goal fragments measures")
    if "balance" in problem.goals and problem.balance is None:
        yield Fault("balance", "none", "what the goal balance measures")
    if "fragmentation" in problem.goals and problem.workload is None:
        yield Fault("workload", "none", "what the goal fragmentation measures")
    if problem.workload is not None:
        for index, request in enumerate(problem.workload.requests):
            place = f"workload.requests[{index}]"
            yield from _options(f"{place}.shares", request.shares)
            yield from _terms(f"{place}.node_affinity", request.node_affinity)


def _timeless(problem: PlacementProblem) -> Iterator[Fault]:
    """Look for goals of one moment beside windows."""
    if any(item.window is not None for item in problem.items):
        for index, goal in enumerate(problem.goals):
            if goal in ("fragments", "fragmentation"):
                found = f"{goal} beside windows of items"
                yield Fault(f"goals[{index}]", found, "goals that do not look at one moment")


def _totals(problem: PlacementProblem) -> Iterator[Fault]:
    """Look for sums of amounts that are too large, and for their products with weights."""
    parts = [part.capacity for node in problem.nodes for part in node.parts]
    asked = [
        {name: share.count * amount for name, amount in option.items()}
        for item in problem.items
        for share in item.shares
        for option in share.options
    ]
    rooms = {"nodes": [node.capacity for node in problem.nodes], "parts of nodes": parts}
    needs = {"items": [item.demands for item in problem.items], "shares of items": asked}
    for place, amounts in (rooms | needs).items():
        for name, total in _largest_totals(amounts):
            found = f"{total} of {name!r} in all"
            yield Fault(place, found, f"at most {MAX_TOTAL}; use a coarser unit")
    workload = problem.workload
    if workload is not None:
        weight = sum(request.weight for request in workload.requests)
        amounts = rooms["nodes" if workload.kind is None else "parts of nodes"]
        total = weight * sum(amount.get(workload.resource, 0) for amount in amounts)
        if total > MAX_TOTAL:
            found = f"{total} by the weights of all requests"
            yield Fault("workload", found, f"at most {MAX_TOTAL}; use a coarser unit")


def _largest_totals(amounts: Sequence[dict[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield the resources of which there is too much in all."""
    if len(amounts) * max((max(a.values(), default=0) for a in amounts), default=0) <= MAX_TOTAL:
        return
    totals = Counter[str]()
    for amount in amounts:
        totals.update(amount)
    yield from ((name, total) for name, total in totals.items() if total > MAX_TOTAL)


def _items(problem: PlacementProblem) -> Iterator[Fault]:
    nodes = {node.id: node for node in problem.nodes}
    for index, item in enumerate(problem.items):
        place = f"items[{index}]"
        if item.node is not None and item.node not in nodes:
            yield Fault(f"{place}.node", repr(item.node), "the id of a node")
        if item.pinned and item.node is None:
            yield Fault(f"{place}.pinned", "an item that runs nowhere", "a node where it runs")
        if item.window is not None and item.window.end <= item.window.start:
            found = f"{item.window.start} to {item.window.end}"
            yield Fault(f"{place}.window", found, "an end after its start")
        if len(set(item.ports)) < len(item.ports):
            yield Fault(f"{place}.ports", "a port twice", "each port once")
        yield from _shares(place, item)
        if item.node is None or item.node in nodes:
            yield from _taken(f"{place}.parts", item, nodes.get(item.node or ""))
        yield from _terms(f"{place}.node_affinity", item.node_affinity)
        for number, terms in enumerate(item.volumes):
            yield from _terms(f"{place}.volumes[{number}]", terms)
        yield from _terms(f"{place}.preferences", (entry.term for entry in item.preferences))
        yield from _meant(place, item)
        for number, wish in enumerate(item.item_preferences):
            where = f"{place}.item_preferences[{number}].term.selector"
            yield from _selector(where, wish.term.selector)


def _shares(place: str, item: Item) -> Iterator[Fault]:
    yield from _options(f"{place}.shares", item.shares)
    if item.together is not None and not item.shares:
        yield Fault(f"{place}.together", "an item that takes no parts", "shares")


def _options(place: str, shares: tuple[Share, ...]) -> Iterator[Fault]:
    yield from repeated(place, (share.kind for share in shares))
    for index, share in enumerate(shares):
        where = f"{place}[{index}].options"
        if not share.options:
            yield Fault(where, "none", "at least one option")
        yield from repeated(where, (str(sorted(option.items())) for option in share.options))


def _taken(place: str, item: Item, node: Node | None) -> Iterator[Fault]:
    """Look whether the parts that an item takes now are those that its shares ask for."""
    yield from repeated(place, (use.part for use in item.parts))
    parts = {} if node is None else {part.id: part for part in node.parts}
    shares = {share.kind: share for share in item.shares}
    taken: Counter[str] = Counter()
    for index, use in enumerate(item.parts):
        part = parts.get(use.part)
        share = None if part is None else shares.get(part.kind)
        if part is None:
            yield Fault(f"{place}[{index}].part", repr(use.part), "the id of a part of its node")
        elif share is None:
            yield Fault(f"{place}[{index}].part", repr(use.part), "a part of a kind that it shares")
        elif use.option >= len(share.options):
            expected = f"the index of one of {len(share.options)} options"
            yield Fault(f"{place}[{index}].option", str(use.option), expected)
        if part is not None:
            taken[part.kind] += 1
    for kind, share in shares.items():
        if node is not None and taken[kind] != share.count:
            yield Fault(place, f"{taken[kind]} of kind {kind!r}", f"{share.count}, where it runs")


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
    for index, rule in enumerate(problem.interference):
        yield from _selector(f"interference[{index}].victim", rule.victim)
        yield from _selector(f"interference[{index}].neighbour", rule.neighbour)


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
