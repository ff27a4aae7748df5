"""What is in a batching problem, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.batching.family import CompiledBatching


def profile(data: CompiledBatching) -> dict[str, Any]:
    """Return sizes and load, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    return {
        "requests": arrays.n,
        "memory": problem.memory,
        "batch": problem.batch,
        "longest_answer": int(arrays.output.max()),
        "last_release": int(arrays.release.max()),
        "iterations_of_full_memory": int(arrays.area.sum()) / problem.memory,
    }
