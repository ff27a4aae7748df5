"""What is in a problem of spot capacity, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.spot.family import CompiledSpot


def profile(data: CompiledSpot) -> dict[str, Any]:
    """Return sizes and capacity, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, spot = data.problem, data.arrays.free[:-1]
    return {
        "work": problem.work,
        "deadline": problem.deadline,
        "changeover": problem.changeover,
        "regions": len(problem.regions),
        "ticks_with_spot_capacity": int(spot.any(axis=0).sum()),
        "share_of_ticks_by_region": {
            region.id: round(float(row.mean()), 4)
            for region, row in zip(problem.regions, spot, strict=True)
        },
    }
