"""What is in a memory problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.solvers.memory.family import CompiledMemory


def profile(data: CompiledMemory) -> dict[str, Any]:
    """Return sizes and what is live, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "buffers": len(problem.buffers),
        "aliases": sum(buffer.alias is not None for buffer in problem.buffers),
        "fixed": sum(buffer.offset is not None for buffer in problem.buffers),
        "gaps": sum(len(buffer.gaps) for buffer in problem.buffers),
        "unit_bytes": arrays.unit,
        "sections": arrays.n_sections,
        "most_live_buffers": int(np.diff(arrays.live_ptr).max()),
        "most_live_bytes": int(arrays.totals().max()) * arrays.unit,
        "capacity_bytes": problem.capacity,
    }
