"""What is in a caching problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.solvers.caching.family import CompiledCaching


def profile(data: CompiledCaching) -> dict[str, Any]:
    """Return sizes and reuse, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
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
    }
