"""The part of the checker that measures what typical requests cannot use."""

from __future__ import annotations

from collections import Counter

from scheduling.models.placement.check_nodes import meets_any_term
from scheduling.models.placement.check_parts import Uses, taken
from scheduling.models.placement.measures import Typical, Workload
from scheduling.models.placement.parts import Share
from scheduling.models.placement.problem import Item, Node, PlacementProblem

_Free = dict[str, int]


def fragmentation(problem: PlacementProblem, placed: dict[str, str], uses: Uses) -> int:
    """Return what requests cannot use of what is free, over all nodes, by weight."""
    workload = problem.workload
    if workload is None:
        return 0
    standing: dict[str, list[Item]] = {}
    for item in problem.items:
        if item.id in placed:
            standing.setdefault(placed[item.id], []).append(item)
    total = 0
    for node in problem.nodes:
        items = standing.get(node.id, [])
        used: Counter[str] = Counter()
        inside: dict[str, Counter[str]] = {part.id: Counter() for part in node.parts}
        for item in items:
            used.update(item.demands)
            for (_, part), need in taken(item, node, uses[item.id]):
                inside[part].update(need)
        free = {name: max(0, room - used[name]) for name, room in node.capacity.items()}
        parts = [
            (part.kind, {n: max(0, room - inside[part.id][n]) for n, room in part.capacity.items()})
            for part in node.parts
        ]
        total += sum(
            request.weight * _useless(workload, request, node, free, parts)
            for request in workload.requests
        )
    return total


def _useless(
    workload: Workload, request: Typical, node: Node, free: _Free, parts: list[tuple[str, _Free]]
) -> int:
    """Return what one request cannot use on one node."""
    name, kind = workload.resource, workload.kind
    pieces = [room.get(name, 0) for found, room in parts if found == kind]
    whole = free.get(name, 0) if kind is None else sum(pieces)
    shares = [share for share in request.shares if share.kind == kind]
    asked = request.demands.get(name, 0) if kind is None else _asked(shares, name)
    if asked == 0 or not _runs(request, node, free, parts):
        return whole
    return sum(piece for piece in pieces if piece < asked)


def _asked(shares: list[Share], name: str) -> int:
    return min((min(o.get(name, 0) for o in s.options) for s in shares), default=0)


def _runs(request: Typical, node: Node, free: _Free, parts: list[tuple[str, _Free]]) -> bool:
    if request.node_affinity and not meets_any_term(request.node_affinity, node):
        return False
    if any(need > free.get(name, 0) for name, need in request.demands.items()):
        return False
    for share in request.shares:
        rooms = [room for kind, room in parts if kind == share.kind]
        count = sum(any(_fits(option, room) for option in share.options) for room in rooms)
        if count < share.count:
            return False
    return True


def _fits(option: _Free, room: _Free) -> bool:
    return all(need <= room.get(name, 0) for name, need in option.items())
