"""What is in a placement problem, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.placement.problem import PlacementProblem
from scheduling.solvers.placement.family import FAMILY, CompiledPlacement


def profile(problem: PlacementProblem) -> dict[str, Any]:
    """Return sizes, rules, how much is asked for, bounds by formula and solvers.

    Parameters
    ----------
    problem
        Any problem of the family.

    Returns
    -------
    dict
        Plain values, ready for JSON. ``requested`` is the demand of all items over the capacity of
        all nodes, in percent, by resource.
    """
    data = CompiledPlacement(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "nodes": arrays.n_nodes,
        "closed_nodes": sum(node.closed for node in problem.nodes),
        "items": arrays.n_items,
        "pending": int((arrays.now < 0).sum()),
        "pinned": int(arrays.pinned.sum()),
        "classes_of_equal_items": arrays.n_classes,
        "gangs": len(arrays.gangs),
        "rules_of_affinity": len(arrays.together),
        "rules_of_anti_affinity": len(arrays.apart),
        "rules_of_spread": len(arrays.even),
        "disruption_budgets": len(arrays.budgets),
        "quotas": len(problem.quotas),
        "requested": _requested(problem),
        "bounds_by_formula": dict(zip(data.tiers, data.bounds() or (), strict=True)),
        "solvers": FAMILY.takers(data),
    }


def _requested(problem: PlacementProblem) -> dict[str, int]:
    found = {}
    for name in sorted({name for item in problem.items for name in item.demands}):
        room = sum(node.capacity.get(name, 0) for node in problem.nodes)
        need = sum(item.demands.get(name, 0) for item in problem.items)
        if room:
            found[name] = round(100 * need / room)
    return found
