"""What is in a memory problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.memory.problem import MemoryProblem
from scheduling.solvers.memory.family import FAMILY, CompiledMemory


def profile(problem: MemoryProblem) -> dict[str, Any]:
    """Return sizes, what is live, bounds by formula and solvers, as plain values for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledMemory(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "buffers": len(problem.buffers),
        "aliases": sum(buffer.alias is not None for buffer in problem.buffers),
        "fixed": sum(buffer.offset is not None for buffer in problem.buffers),
        "gaps": sum(len(buffer.gaps) for buffer in problem.buffers),
        "unit_bytes": arrays.unit,
        "sections": arrays.n_sections,
        "most_live_buffers": int(np.diff(arrays.live_ptr).max()),
        "most_live_bytes": int(arrays.totals().max()) * arrays.unit,
        "capacity_bytes": problem.capacity,
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
