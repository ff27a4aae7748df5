"""What is in a placement problem, as facts for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.solvers.placement.family import CompiledPlacement


def profile(data: CompiledPlacement) -> dict[str, Any]:
    """Return sizes, rules and how much is asked for.

    Parameters
    ----------
    data
        Any problem of the family, compiled.

    Returns
    -------
    dict
        Plain values, ready for JSON. ``requested`` is the demand of all items over the capacity of
        all nodes, in percent, by resource, and likewise of parts by kind and resource.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "nodes": arrays.n_nodes,
        "closed_nodes": sum(node.closed for node in problem.nodes),
        "parts": dict(Counter(part.kind for node in problem.nodes for part in node.parts)),
        "items": arrays.n_items,
        "pending": int((arrays.now < 0).sum()),
        "pinned": int(arrays.pinned.sum()),
        "classes_of_equal_items": arrays.n_classes,
        "gangs": len(arrays.gangs),
        "rules_of_affinity": sum(len(b.owners) * len(b.terms) for b in arrays.together),
        "rules_of_anti_affinity": len(arrays.apart),
        "rules_of_spread": len(arrays.even),
        "disruption_budgets": len(arrays.budgets),
        "quotas": len(problem.quotas),
        "requested_percent": _requested(problem),
    }


def _requested(problem: PlacementProblem) -> dict[str, int]:
    room, need = Counter[str](), Counter[str]()
    for node in problem.nodes:
        room.update(node.capacity)
        for part in node.parts:
            room.update({f"{part.kind} {name}": n for name, n in part.capacity.items()})
    for item in problem.items:
        need.update(item.demands)
        need.update(dict(_of_parts(item)))
    return {name: round(100 * need[name] / room[name]) for name in sorted(need) if room[name]}


def _of_parts(item: Item) -> Iterator[tuple[str, int]]:
    """Yield what an item takes of parts at least."""
    for share in item.shares:
        for name in share.options[0]:
            least = min(option.get(name, 0) for option in share.options)
            yield f"{share.kind} {name}", share.count * least
