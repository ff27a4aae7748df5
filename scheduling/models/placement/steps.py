"""From a placement to action: steps in an order, and a dry run of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Violation
from scheduling.models.placement.check_arrivals import Arrivals
from scheduling.models.placement.check_neighbours import selects
from scheduling.models.placement.check_nodes import obstacles
from scheduling.models.placement.check_parts import same_parts, wrong_parts
from scheduling.models.placement.check_time import moments, there
from scheduling.models.placement.parts import PartUse
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution


class Step(Frozen):
    """One action on one item.

    ``move``: it is started on ``destination`` first and leaves ``origin`` then. ``evict``: it
    leaves ``origin``; when its new place is not free yet, ``start`` follows later. ``start``: it is
    started on ``destination``. An item that only changes its parts moves from a node to itself.
    """

    action: Literal["move", "evict", "start"]
    item: Name
    origin: Name | None = None
    destination: Name | None = None
    parts: Many[PartUse] = Field(default=(), description="What it takes on the destination.")
    reason: str = Field(default="", description="Why it is done this way, for people.")
    forced: bool = Field(
        default=False,
        description="Its rules about neighbours do not hold when it is done: no order was found "
        "in which they would.",
    )


def replay(
    problem: PlacementProblem, solution: PlacementSolution, steps: Sequence[Step]
) -> Iterator[Violation]:
    """Dry run: carry steps out one by one and yield whatever breaks on the way.

    Capacities of nodes and parts, and ports, hold after every step for every moment of windows,
    while a moving item stands on both places; every destination is a node that the item may go to;
    affinity, anti-affinity and spread hold for whom comes, unless the step says that it is forced;
    no more items are down at once than disruption budgets allow; at the end the solution is
    reached.
    """
    items = {item.id: item for item in problem.items}
    nodes = {node.id: node for node in problem.nodes}
    where = {item.id: (item.node, item.parts) for item in problem.items if item.node is not None}
    times = list(moments(problem.items))
    used = {name: Counter[tuple[int, _Need]]() for name in nodes}
    guests = (step.item for step in steps if step.destination is not None)
    neighbours, downs = Arrivals(problem, guests), _Downs(problem)
    for name, (host, parts) in where.items():
        neighbours.come(name, host)
        used[host].update(_needs(items[name], nodes[host], parts, times))
    for number, step in enumerate(steps, 1):
        item = items[step.item]
        origin, held = where.pop(step.item, (None, ()))
        if origin != step.origin:
            yield Violation("step", f"{number}: {step.item!r} is not on {step.origin!r}")
            return
        if step.destination is not None:
            node = nodes[step.destination]
            for reason in obstacles(item, node):
                yield Violation("step", f"{number}: {step.item!r} on {node.id!r}: {reason}")
            wrong = list(wrong_parts(item, node, step.parts, arrived=True))
            if wrong:
                yield Violation("step", f"{number}: {step.item!r} on {node.id!r}: {wrong[0]}")
                return
            coming = _needs(item, node, step.parts, times)
            used[node.id].update(coming)
            for moment, need in coming:
                excess = used[node.id][moment, need] - _room(node, need)
                if excess > 0:
                    place = f"{number}: {'/'.join(map(str, need))} on {node.id!r}"
                    yield Violation("step", place, excess, "units")
            if step.destination != origin and not step.forced:
                for breach in neighbours.breaches(item, node.id):
                    yield Violation("step", f"{number}: {step.item!r} on {node.id!r}: {breach}")
            neighbours.come(item.id, node.id)
            where[step.item] = step.destination, step.parts
        if origin is not None:
            used[origin].subtract(_needs(item, nodes[origin], held, times))
            neighbours.come(item.id, origin, -1)
        yield from downs.after(number, step)
    wanted = {entry.item: (entry.node, entry.parts) for entry in solution.placements}
    different = sorted(
        name for name in {*where, *wanted} if not _agree(where.get(name), wanted.get(name))
    )
    if different:
        yield Violation("step", f"the end differs for {', '.join(map(repr, different[:5]))}")


class _Downs:
    """Items of each disruption budget that ran and stand nowhere at the moment."""

    def __init__(self, problem: PlacementProblem) -> None:
        self._down: dict[str, set[str]] = {budget.id: set() for budget in problem.budgets}
        self._allowed = {budget.id: budget.allowed for budget in problem.budgets}
        self._over: dict[str, list[str]] = {}
        running = [item for item in problem.items if item.node is not None]
        for budget in problem.budgets:
            exempt = set(budget.exempt)
            for item in running:
                near = item.namespace == budget.namespace and item.id not in exempt
                if near and selects(budget.selector, item.labels):
                    self._over.setdefault(item.id, []).append(budget.id)

    def after(self, number: int, step: Step) -> Iterator[Violation]:
        """Take a step, and yield the budgets that it exceeds."""
        for name in self._over.get(step.item, ()):
            down = self._down[name]
            if step.destination is not None:
                down.discard(step.item)
                continue
            down.add(step.item)
            excess = len(down) - self._allowed[name]
            if excess > 0:
                yield Violation("step", f"{number}: budget {name!r}", excess, "items")


_Place = tuple[str, tuple[PartUse, ...]]
_Need = tuple[str | int, ...]
"""What is needed of a node: ``(resource,)``, ``("", part, resource)``, addresses of a port
``(port, protocol)``, or one of them ``(port, protocol, address)``."""

_ADDRESSES = 2**32
"""Addresses that an item takes of a port that names none: more than others can name."""


def _agree(first: _Place | None, second: _Place | None) -> bool:
    if first is None or second is None:
        return first is second
    return first[0] == second[0] and same_parts(first[1], second[1])


def _needs(
    item: Item, node: Node, uses: tuple[PartUse, ...], times: Sequence[int]
) -> dict[tuple[int, _Need], int]:
    """Return what an item needs of a node at each moment."""
    found: dict[_Need, int] = {(name,): need for name, need in item.demands.items() if need > 0}
    for entry in item.ports:
        port, one = (entry.port, entry.protocol), (entry.port, entry.protocol, entry.address)
        if entry.address and found.get(port, 0) < _ADDRESSES:
            found[port], found[one] = found.get(port, 0) + 1, 1
        else:
            found[port] = _ADDRESSES
    kinds = {part.id: part.kind for part in node.parts}
    shares = {share.kind: share for share in item.shares}
    for use in uses:
        option = shares[kinds[use.part]].options[use.option]
        found.update({("", use.part, name): need for name, need in option.items() if need > 0})
    present = [moment for moment in times if there(item, moment)]
    return {(moment, name): need for moment in present for name, need in found.items()}


def _room(node: Node, need: _Need) -> int:
    if len(need) == 1:
        return node.capacity.get(str(need[0]), 0)
    if len(need) == 2:
        return _ADDRESSES
    if isinstance(need[0], int):
        return 1
    part = next(part for part in node.parts if part.id == need[1])
    return part.capacity.get(str(need[2]), 0)
