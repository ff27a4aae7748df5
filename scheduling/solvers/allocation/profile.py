"""What is in an allocation problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.allocation.problem import AllocationProblem
from scheduling.solvers.allocation.family import FAMILY, CompiledAllocation


def profile(problem: AllocationProblem) -> dict[str, Any]:
    """Return sizes, shape, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledAllocation(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "claims": arrays.n_claims,
        "levels": arrays.n_levels,
        "budget": problem.budget,
        "cost_of_lowest_levels": arrays.least,
        "cost_of_best_levels": int(arrays.least + arrays.steps.cost.sum()),
        "gain_of_best_levels": int(np.maximum.reduceat(arrays.gain, arrays.start[:-1]).sum()),
        "concave": arrays.concave,
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
