"""What is in a problem of pipelines, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.solvers.pipeline.family import FAMILY, CompiledPipeline


def profile(problem: PipelineProblem) -> dict[str, Any]:
    """Return sizes, times, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledPipeline(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "layers": len(problem.layers),
        "gpus": problem.gpus,
        "gigabytes_of_a_gpu": problem.gigabytes,
        "gigabytes_of_all_layers": sum(layer.gigabytes for layer in problem.layers),
        "seconds_of_all_passes": float(arrays.total * arrays.unit),
        "seconds_of_the_slowest_layer": float(arrays.slowest * arrays.unit),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
