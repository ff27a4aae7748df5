"""What is in a problem of packing, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.packing.order import passes_again
from scheduling.models.packing.problem import PackingProblem
from scheduling.solvers.packing.family import FAMILY, CompiledPacking


def profile(problem: PackingProblem) -> dict[str, Any]:
    """Return sizes, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledPacking(problem)
    size = problem.chunk_tokens
    long = [-(-length // size) for length in problem.lengths if length > size]
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "sequences": len(problem.lengths),
        "tokens": sum(problem.lengths),
        "longest": max(problem.lengths),
        "long_sequences": len(long),
        "chunks_of_long_sequences": sum(long),
        "forward_passes_computed_again": sum(passes_again(n, problem.kept_chunks) for n in long),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
