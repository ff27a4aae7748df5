"""What is in a problem of serving fleets, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.serving.family import CompiledServing


def profile(data: CompiledServing) -> dict[str, Any]:
    """Return sizes and features, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
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
    }
