"""From a placement to action: steps in an order, and a dry run of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Name, Violation
from scheduling.models.placement.check_nodes import obstacles
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution


class Step(Frozen):
    """One action on one item.

    ``move``: it is started on ``destination`` first and leaves ``origin`` then. ``evict``: it
    leaves ``origin``; when its new place is not free yet, ``start`` follows later. ``start``: it is
    started on ``destination``.
    """

    action: Literal["move", "evict", "start"]
    item: Name
    origin: Name | None = None
    destination: Name | None = None
    reason: str = Field(default="", description="Why it is done this way, for people.")


def replay(
    problem: PlacementProblem, solution: PlacementSolution, steps: Sequence[Step]
) -> Iterator[Violation]:
    """Dry run: carry steps out one by one and yield whatever breaks on the way.

    Capacities and ports hold after every step, while a moving item stands on both nodes; every
    destination is a node that the item may go to; at the end the solution is reached.
    """
    items = {item.id: item for item in problem.items}
    nodes = {node.id: node for node in problem.nodes}
    where = {item.id: item.node for item in problem.items if item.node is not None}
    used = {name: Counter[object]() for name in nodes}
    for name, host in where.items():
        used[host].update(_needs(items[name]))
    for number, step in enumerate(steps, 1):
        item = items[step.item]
        if where.get(step.item) != step.origin:
            yield Violation("step", f"{number}: {step.item!r} is not on {step.origin!r}")
            return
        if step.destination is not None:
            node = nodes[step.destination]
            for reason in obstacles(item, node):
                yield Violation("step", f"{number}: {step.item!r} on {node.id!r}: {reason}")
            used[node.id].update(_needs(item))
            for resource in _needs(item):
                room = 1 if isinstance(resource, tuple) else node.capacity.get(str(resource), 0)
                excess = used[node.id][resource] - room
                if excess > 0:
                    place = f"{number}: {resource!r} on {node.id!r}"
                    yield Violation("step", place, excess, "units")
        if step.origin is not None:
            used[step.origin].subtract(_needs(item))
        where.pop(step.item, None)
        if step.destination is not None:
            where[step.item] = step.destination
    wanted = {entry.item: entry.node for entry in solution.placements}
    if where != wanted:
        different = sorted(
            name for name in {*where, *wanted} if where.get(name) != wanted.get(name)
        )
        yield Violation("step", f"the end differs for {', '.join(map(repr, different[:5]))}")


def _needs(item: Item) -> dict[object, int]:
    found: dict[object, int] = {name: need for name, need in item.demands.items() if need > 0}
    found.update({(entry.port, entry.protocol): 1 for entry in item.ports})
    return found
