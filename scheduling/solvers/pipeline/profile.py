"""What is in a problem of pipelines, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.pipeline.family import CompiledPipeline


def profile(data: CompiledPipeline) -> dict[str, Any]:
    """Return sizes and times, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "layers": len(problem.layers),
        "gpus": problem.gpus,
        "gigabytes_of_a_gpu": problem.gigabytes,
        "gigabytes_of_all_layers": sum(layer.gigabytes for layer in problem.layers),
        "seconds_of_all_passes": float(arrays.total * arrays.unit),
        "seconds_of_the_slowest_layer": float(arrays.slowest * arrays.unit),
    }
