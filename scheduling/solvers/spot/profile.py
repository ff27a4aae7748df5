"""What is in a problem of spot capacity, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.spot.problem import SpotProblem
from scheduling.solvers.spot.family import FAMILY, CompiledSpot


def profile(problem: SpotProblem) -> dict[str, Any]:
    """Return sizes, capacity, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledSpot(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "work": problem.work,
        "deadline": problem.deadline,
        "changeover": problem.changeover,
        "regions": len(problem.regions),
        "ticks_with_spot_capacity": int(arrays.free[:-1].any(axis=0).sum()),
        "share_of_ticks_by_region": {
            region.id: round(float(row.mean()), 4)
            for region, row in zip(problem.regions, arrays.free[:-1], strict=True)
        },
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
