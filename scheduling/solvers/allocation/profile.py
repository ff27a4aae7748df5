"""What is in an allocation problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.solvers.allocation.family import CompiledAllocation


def profile(data: CompiledAllocation) -> dict[str, Any]:
    """Return sizes and shape, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "claims": arrays.n_claims,
        "levels": arrays.n_levels,
        "budget": problem.budget,
        "cost_of_lowest_levels": arrays.least,
        "cost_of_best_levels": int(arrays.least + arrays.steps.cost.sum()),
        "gain_of_best_levels": int(np.maximum.reduceat(arrays.gain, arrays.start[:-1]).sum()),
        "concave": arrays.concave,
    }
