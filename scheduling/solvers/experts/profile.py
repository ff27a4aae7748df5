"""What is in a problem of expert placement, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.experts.problem import ExpertProblem
from scheduling.solvers.experts.family import FAMILY, CompiledExperts


def profile(problem: ExpertProblem) -> dict[str, Any]:
    """Return sizes, loads, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledExperts(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "experts": len(arrays.load),
        "devices": len(arrays.slots),
        "slots": int(arrays.slots.sum()),
        "nodes": len({device.node for device in problem.devices}),
        "groups": len({expert.group for expert in problem.experts}),
        "hierarchical": problem.hierarchical,
        "mean_load_of_a_device": float(arrays.load.sum() / len(arrays.slots)),
        "experts_held": int(arrays.held.sum()),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
