"""What is in a problem of flows over spines, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.spines.bounds import splits_bound
from scheduling.solvers.spines.family import CompiledSpines


def profile(data: CompiledSpines) -> dict[str, Any]:
    """Return sizes and loads, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    arrays = data.arrays
    return {
        "flows": len(arrays.size),
        "spines": arrays.spines,
        "sources": len(arrays.leaves[0]),
        "targets": len(arrays.leaves[1]),
        "most_flows_of_a_leaf": max(len(inside) for side in arrays.leaves for inside in side),
        "equal_flows": len(set(arrays.size.tolist())) == 1,
        "total_size": float(arrays.size.sum()),
        "splits_at_least_congestion": splits_bound(arrays),
    }
