"""The part of the checker that looks at single nodes: capacity, ports, taints, selectors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from re import fullmatch

from scheduling.models.base import Violation
from scheduling.models.placement.check_time import meet, moments, there
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodeTerm, Port, Requirement, Taint, Toleration


def node_violations(
    problem: PlacementProblem, placed: dict[str, str], arrived: frozenset[str]
) -> Iterator[Violation]:
    """Yield every overload, port conflict, lost pin, and node that an item may not go to."""
    for item in problem.items:
        if item.pinned and (item.id in arrived or item.id not in placed):
            yield Violation("pinned", f"item {item.id!r} left {item.node!r}")
    nodes = {node.id: node for node in problem.nodes}
    standing: dict[str, list[Item]] = defaultdict(list)
    running: dict[str, list[Item]] = defaultdict(list)
    for item in problem.items:
        if item.id in placed:
            standing[placed[item.id]].append(item)
        if item.node is not None:
            running[item.node].append(item)
    for name, items in standing.items():
        node = nodes[name]
        arrivals = [item for item in items if item.id in arrived]
        for item in arrivals:
            for reason in obstacles(item, node):
                yield Violation("node", f"item {item.id!r} on {name!r}: {reason}")
        patient = [item for item in arrivals if item.node is None and not item.preempts]
        for moment in moments((*items, *running[name])):
            here, new, now, waiting = (
                [item for item in group if there(item, moment)]
                for group in (items, arrivals, running[name], patient)
            )
            yield from _capacity(node, here, new, now)
            yield from _patience(node, waiting, now)
        yield from _ports(node, items, arrivals)
        yield from _patient_ports(node, patient, running[name])


def obstacles(item: Item, node: Node) -> Iterator[str]:
    """Yield why an item may not be put on a node, apart from what stands there."""
    if node.closed:
        yield "closed"
    for taint in taints_in_the_way(item, node):
        yield f"taint {taint.key!r}"
    yield from unselected(item, node)
    for number, terms in enumerate(item.volumes):
        if not meets_any_term(terms, node):
            yield f"volume {number}"


def taints_in_the_way(item: Item, node: Node) -> list[Taint]:
    """Return the taints of a node that keep an item away."""
    binding = (taint for taint in node.taints if taint.effect != "PreferNoSchedule")
    return [taint for taint in binding if not _tolerated(taint, item.tolerations)]


def unselected(item: Item, node: Node) -> Iterator[str]:
    """Yield what of an item's selector and affinity to nodes a node does not meet."""
    for key, value in item.node_selector.items():
        if node.labels.get(key) != value:
            yield f"selector {key}={value}"
    if item.node_affinity and not meets_any_term(item.node_affinity, node):
        yield "node affinity"


def _tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    for entry in tolerations:
        if entry.effect is not None and entry.effect != taint.effect:
            continue
        if entry.key is None and entry.operator == "Exists":
            return True
        if entry.key == taint.key and entry.operator == "Exists":
            return True
        if entry.key == taint.key and _has_value(entry, taint):
            return True
    return False


def _has_value(entry: Toleration, taint: Taint) -> bool:
    """Tell whether a taint's value is what a toleration of its key asks for."""
    if entry.operator == "Equal":
        return entry.value == taint.value
    values = [text for text in (taint.value, entry.value) if text == _plain(text)]
    if len(values) < 2:
        return False
    difference = int(values[0]) - int(values[1])
    return difference > 0 if entry.operator == "Gt" else difference < 0


def _plain(text: str) -> str | None:
    """Return a whole number as it is written without signs or zeros that say nothing."""
    return str(int(text)) if fullmatch("-?[0-9]+", text) else None


def meets_any_term(terms: Iterable[NodeTerm], node: Node) -> bool:
    """Tell whether a node meets one of the terms."""
    return any(
        (term.nodes is None or node.id in term.nodes)
        and node.id not in term.excluded
        and all(meets(entry, node.labels) for entry in term.labels)
        for term in terms
    )


def meets(requirement: Requirement, labels: dict[str, str]) -> bool:
    """Tell whether labels meet a requirement."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    # Python also reads «+5», «1_000» and digits of other scripts as numbers; a label does not.
    if value is None or not fullmatch("-?[0-9]+", value):
        return False
    number, limit = int(value), int(requirement.values[0])
    return number > limit if requirement.operator == "Gt" else number < limit


def _capacity(
    node: Node, items: list[Item], arrivals: list[Item], running: list[Item]
) -> Iterator[Violation]:
    """Check each resource: what is overcommitted now may go on where nothing more comes."""
    used: Counter[str] = Counter()
    before: Counter[str] = Counter()
    coming: Counter[str] = Counter()
    for group, total in ((items, used), (running, before), (arrivals, coming)):
        for item in group:
            total.update(item.demands)
    for resource, amount in used.items():
        capacity = node.capacity.get(resource, 0)
        limit = capacity if coming[resource] > 0 else max(capacity, before[resource])
        if amount > limit:
            where = f"{resource!r} on {node.id!r}"
            yield Violation("capacity", where, amount - limit, "units")


def _ports(node: Node, items: list[Item], arrivals: list[Item]) -> Iterator[Violation]:
    takers: dict[tuple[int, str], list[tuple[Port, Item]]] = defaultdict(list)
    for item in items:
        for entry in item.ports:
            takers[entry.port, entry.protocol].append((entry, item))
    for item in arrivals:
        for entry in item.ports:
            others = takers[entry.port, entry.protocol]
            if any(o is not item and _clash(entry, p) and meet(item, o) for p, o in others):
                where = f"{entry.port}/{entry.protocol} on {node.id!r}: item {item.id!r}"
                yield Violation("port", where)


def _clash(one: Port, other: Port) -> bool:
    """Tell whether two ports of one number and protocol are one on some address."""
    return one.address == other.address or not (one.address and other.address)


def _patience(node: Node, patient: list[Item], running: list[Item]) -> Iterator[Violation]:
    """Check that items that preempt nothing fit beside all that runs on the node now."""
    held: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for group, total in ((running, held), (patient, asked)):
        for item in group:
            total.update(item.demands)
    for resource, amount in asked.items():
        excess = held[resource] + amount - node.capacity.get(resource, 0)
        if amount > 0 and excess > 0:
            where = f"{resource!r} on {node.id!r} beside what runs there now"
            yield Violation("preemption", where, excess, "units")


def _patient_ports(node: Node, patient: list[Item], running: list[Item]) -> Iterator[Violation]:
    for item in patient:
        for entry in item.ports:
            if any(_takes(other, entry) and meet(item, other) for other in running):
                where = f"{entry.port}/{entry.protocol} on {node.id!r}: item {item.id!r}"
                yield Violation("preemption", where)


def _takes(item: Item, wanted: Port) -> bool:
    equal = (p for p in item.ports if (p.port, p.protocol) == (wanted.port, wanted.protocol))
    return any(_clash(wanted, port) for port in equal)
