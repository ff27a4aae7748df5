"""What is in a caching problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.caching.problem import CachingProblem
from scheduling.solvers.caching.family import FAMILY, CompiledCaching


def profile(problem: CachingProblem) -> dict[str, Any]:
    """Return sizes, reuse, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledCaching(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "objects": len(problem.objects),
        "sizes": len(np.unique(arrays.sizes)),
        "continuations": sum(entry.after is not None for entry in problem.objects),
        "pinned": int(arrays.pinned.sum()),
        "requests": arrays.n_requests,
        "uses": len(arrays.access),
        "uses_again": arrays.n_gaps,
        "capacity": problem.capacity,
        "cost_without_cache": arrays.total,
        "cost_of_first_uses": arrays.total - int(arrays.gain.sum()),
        "room_for_all_uses_again": int(arrays.load(arrays.gain >= 0).max()),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
