"""What is in a batching problem, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.batching.problem import BatchingProblem
from scheduling.solvers.batching.family import FAMILY, CompiledBatching


def profile(problem: BatchingProblem) -> dict[str, Any]:
    """Return sizes, load, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledBatching(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "requests": arrays.n,
        "memory": problem.memory,
        "batch": problem.batch,
        "longest_answer": int(arrays.output.max()),
        "last_release": int(arrays.release.max()),
        "iterations_of_full_memory": int(arrays.area.sum()) / problem.memory,
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
