"""The part of the checker that looks inside nodes: GPUs, NUMA nodes and what is taken of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduling.models.base import Violation
from scheduling.models.placement.check_time import moments, there
from scheduling.models.placement.parts import PartUse
from scheduling.models.placement.problem import Item, Node, PlacementProblem

Uses = dict[str, tuple[PartUse, ...]]
"""Parts that each placed item takes."""

_Spot = tuple[str, str]
"""Names of a node and of a part of it."""


def same_parts(first: Iterable[PartUse], second: Iterable[PartUse]) -> bool:
    """Tell whether two lists name the same parts with the same options, in any order."""
    return {(use.part, use.option) for use in first} == {(use.part, use.option) for use in second}


def part_violations(
    problem: PlacementProblem, placed: dict[str, str], uses: Uses, arrivals: frozenset[str]
) -> Iterator[Violation]:
    """Yield every item that takes other parts than it asks for, and every overloaded part."""
    nodes = {node.id: node for node in problem.nodes}
    loads = _Loads()
    times = list(moments(item for item in problem.items if item.shares))
    for item in problem.items:
        present = [moment for moment in times if there(item, moment)]
        if item.node is not None:
            for spot, need in taken(item, nodes[item.node], item.parts):
                for moment in present:
                    loads.before[spot, moment].update(need)
        if item.id not in placed:
            continue
        node = nodes[placed[item.id]]
        wrong = list(wrong_parts(item, node, uses[item.id], arrived=item.id in arrivals))
        for reason in wrong:
            yield Violation("parts", f"item {item.id!r} on {node.id!r}: {reason}")
        if wrong:
            continue
        for spot, need in taken(item, node, uses[item.id]):
            for moment in present:
                loads.used[spot, moment].update(need)
                if item.id in arrivals:
                    loads.coming[spot, moment].update(need)
                if item.node is None and not item.preempts:
                    loads.waiting[spot, moment].update(need)
    yield from _overloads(problem, loads)


def _table() -> dict[tuple[_Spot, int], Counter[str]]:
    return defaultdict(Counter)


@dataclass(frozen=True, slots=True)
class _Loads:
    """What is taken of parts, by moment: then, now, by arrivals, and by those that only wait."""

    used: dict[tuple[_Spot, int], Counter[str]] = field(default_factory=_table)
    before: dict[tuple[_Spot, int], Counter[str]] = field(default_factory=_table)
    coming: dict[tuple[_Spot, int], Counter[str]] = field(default_factory=_table)
    waiting: dict[tuple[_Spot, int], Counter[str]] = field(default_factory=_table)


def _overloads(problem: PlacementProblem, loads: _Loads) -> Iterator[Violation]:
    rooms = {(node.id, part.id): part.capacity for node in problem.nodes for part in node.parts}
    for place, amounts in loads.used.items():
        name, part = place[0]
        for resource, amount in amounts.items():
            room, now = rooms[name, part].get(resource, 0), loads.before[place][resource]
            where = f"{resource!r} of {part!r} on {name!r}"
            if amount > max(room, now):
                yield Violation("part capacity", where, amount - max(room, now), "units")
            elif now > room and loads.coming[place][resource] > 0:
                excess = loads.coming[place][resource]
                yield Violation("part capacity", f"{where}, overcommitted", excess, "units")
            asked = loads.waiting[place][resource]
            if asked > 0 and now + asked > room:
                where = f"{where} beside what runs there now"
                yield Violation("preemption", where, now + asked - room, "units")


def taken(
    item: Item, node: Node, uses: Iterable[PartUse]
) -> Iterator[tuple[_Spot, dict[str, int]]]:
    """Yield each part that an item takes, with what it takes of it."""
    kinds = {part.id: part.kind for part in node.parts}
    shares = {share.kind: share for share in item.shares}
    for use in uses:
        yield (node.id, use.part), shares[kinds[use.part]].options[use.option]


def wrong_parts(
    item: Item, node: Node, uses: tuple[PartUse, ...], *, arrived: bool
) -> Iterator[str]:
    """Yield where the parts named are not those that an item's shares ask for."""
    parts = {part.id: part for part in node.parts}
    shares = {share.kind: share for share in item.shares}
    if len({use.part for use in uses}) < len(uses):
        yield "a part more than once"
    known = [use for use in uses if use.part in parts and parts[use.part].kind in shares]
    if len(known) < len(uses):
        yield "a part that its node does not have or that it does not share"
    for use in known:
        if use.option >= len(shares[parts[use.part].kind].options):
            yield f"option {use.option} of {use.part!r}, which is none"
    for kind, share in shares.items():
        count = sum(parts[use.part].kind == kind for use in known)
        if count != share.count:
            yield f"{count} parts of kind {kind!r} instead of {share.count}"
    if item.together is not None and arrived:
        values = {parts[use.part].groups.get(item.together) for use in known}
        if None in values or len(values) > 1:
            yield f"parts of different {item.together!r}"


def fragments(problem: PlacementProblem, placed: dict[str, str], uses: Uses) -> int:
    """Sum up what is free in pieces below the unit of the goal ``fragments``."""
    measure = problem.fragment
    if measure is None:
        return 0
    nodes = {node.id: node for node in problem.nodes}
    used: Counter[tuple[str, ...]] = Counter()
    for item in problem.items:
        if item.id in placed:
            node = nodes[placed[item.id]]
            used[node.id,] += item.demands.get(measure.resource, 0)
            for spot, need in taken(item, node, uses[item.id]):
                used[spot] += need.get(measure.resource, 0)
    total = 0
    for node in problem.nodes:
        rooms: list[tuple[tuple[str, ...], dict[str, int]]]
        if measure.kind is None:
            rooms = [((node.id,), node.capacity)]
        else:
            own = (part for part in node.parts if part.kind == measure.kind)
            rooms = [((node.id, part.id), part.capacity) for part in own]
        for where, capacity in rooms:
            total += max(0, capacity.get(measure.resource, 0) - used[where]) % measure.unit
    return total
