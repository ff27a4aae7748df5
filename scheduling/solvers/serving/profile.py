"""What is in a problem of serving fleets, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers.serving.family import FAMILY, CompiledServing


def profile(problem: ServingProblem) -> dict[str, Any]:
    """Return sizes, features, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledServing(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "models": len({demand.model for demand in problem.demands}),
        "demands": len(problem.demands),
        "pools": len(problem.pools),
        "gpus": sum(pool.size for pool in problem.pools),
        "templates": len(problem.templates),
        "templates_not_dominated": len(arrays.templates),
        "sites": int(arrays.paired.sum()),
        "scenarios": len(problem.scenarios),
        "kv_affinity": problem.kv_affinity,
        "limits": sorted(problem.limits.model_dump(exclude_none=True)),
        "running_replicas": sum(entry.replicas for entry in problem.running),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
