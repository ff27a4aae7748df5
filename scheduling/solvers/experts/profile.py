"""What is in a problem of expert placement, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.experts.family import CompiledExperts


def profile(data: CompiledExperts) -> dict[str, Any]:
    """Return sizes and loads, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "experts": len(arrays.load),
        "devices": len(arrays.slots),
        "slots": int(arrays.slots.sum()),
        "nodes": len({device.node for device in problem.devices}),
        "groups": len({expert.group for expert in problem.experts}),
        "hierarchical": problem.hierarchical,
        "mean_load_of_a_device": float(arrays.load.sum() / len(arrays.slots)),
        "experts_held": int(arrays.held.sum()),
    }
