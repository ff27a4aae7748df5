"""More nodes: the least number of nodes like one that is there that places what they can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scheduling.models.base import Status
from scheduling.models.placement.check_nodes import obstacles
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.placement.explaining.inside import NOTHING, has_parts

HOSTNAME = "kubernetes.io/hostname"
_MOST_NODES = 64
_SHAPES = 4

Try = Callable[[PlacementProblem], PlacementSolution | None]


@dataclass(frozen=True, slots=True)
class MoreNodes:
    """Further nodes of one kind.

    Attributes
    ----------
    text
        In words.
    problem, solution
        The cluster with them, and what stands where then.
    least
        Whether fewer are proven not to be enough.
    """

    text: str
    problem: PlacementProblem
    solution: PlacementSolution
    least: bool


def shapes(problem: PlacementProblem, kinds: list[Item], expired: Callable[[], bool]) -> list[Node]:
    """Nodes of different capacity on which, empty, most kinds of items could stand.

    Once the time has ``expired``, the nodes that are left are not looked at.
    """
    found: dict[tuple[object, ...], tuple[int, Node]] = {}
    for node in problem.nodes:
        if expired():
            break
        parts = sorted(part.model_dump_json(exclude={"id"}) for part in node.parts)
        key = *sorted(node.capacity.items()), *parts
        fits = sum(holds(node, item) for item in kinds)
        if fits > found.get(key, (0, node))[0]:
            found[key] = fits, node
    ranked = sorted(found.values(), key=lambda pair: -pair[0])
    return [node for _, node in ranked[:_SHAPES]]


def holds(node: Node, item: Item) -> bool:
    """Tell whether an item could stand alone on a node like this one, were it open."""
    room = all(need <= node.capacity.get(name, 0) for name, need in item.demands.items())
    inside = has_parts(node, item.shares, item.together, NOTHING)
    return room and inside and all(reason == "closed" for reason in obstacles(item, node))


def more_nodes(
    problem: PlacementProblem, shape: Node, missing: list[Item], attempt: Try
) -> MoreNodes | None:
    """Find the least number of further nodes of a shape that places all they can hold.

    The number is doubled until it is enough, then halved down. ``None``: no time left, or no
    number up to 64 places anything more.
    """
    wanted = {item.id for item in missing if holds(shape, item)}
    tried: dict[int, PlacementSolution] = {}

    def enough(number: int) -> bool | None:
        trial = attempt(with_nodes(problem, shape, number))
        if trial is None:
            return None
        tried[number] = trial
        return wanted <= {entry.item for entry in trial.placements}

    low, high = 0, 1
    while (reached := enough(high)) is False and high < _MOST_NODES:
        low, high = high, 2 * high
    while reached and high - low > 1:
        middle = (low + high) // 2
        better = enough(middle)
        if better is None:
            break
        low, high = (low, middle) if better else (middle, high)
    if high not in tried:
        high = low
    if high == 0:
        return None
    least = reached is True and high - low == 1
    settled = least and (low == 0 or tried[low].status is Status.OPTIMAL)
    text = f"{high} more node{'s' * (high > 1)} like {shape.id}"
    return MoreNodes(text, with_nodes(problem, shape, high), tried[high], settled)


def with_nodes(problem: PlacementProblem, shape: Node, number: int) -> PlacementProblem:
    """Return a problem with further nodes like one that is there."""
    names = _fresh({node.id for node in problem.nodes}, shape.id)
    nodes = tuple(
        shape.model_copy(
            update={"id": name, "closed": False, "labels": {**shape.labels, HOSTNAME: name}}
        )
        for name, _ in zip(names, range(number), strict=False)
    )
    return problem.model_copy(update={"nodes": (*problem.nodes, *nodes)})


def _fresh(taken: set[str], name: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if f"{name}+{number}" not in taken:
            yield f"{name}+{number}"
