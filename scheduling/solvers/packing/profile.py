"""What is in a problem of packing, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.packing.order import passes_again
from scheduling.solvers.packing.family import CompiledPacking


def profile(data: CompiledPacking) -> dict[str, Any]:
    """Return sizes, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem = data.problem
    size = problem.chunk_tokens
    long = [-(-length // size) for length in problem.lengths if length > size]
    return {
        "sequences": len(problem.lengths),
        "tokens": sum(problem.lengths),
        "longest": max(problem.lengths),
        "long_sequences": len(long),
        "chunks_of_long_sequences": sum(long),
        "forward_passes_computed_again": sum(passes_again(n, problem.kept_chunks) for n in long),
    }
