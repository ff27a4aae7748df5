"""What is in a problem of placement in tiers, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.tiers.family import CompiledTiers


def profile(data: CompiledTiers) -> dict[str, Any]:
    """Return sizes, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    live = arrays.live
    return {
        "memories": arrays.n_memories,
        "tensors": arrays.n_tensors,
        "with_home": sum(tensor.home is not None for tensor in problem.tensors),
        "steps": arrays.n_steps,
        "bytes_of_tensors": int(arrays.size.sum()),
        "most_bytes_live": int((live * arrays.size[:, None]).sum(axis=0).max()),
        "bytes_used": int(arrays.bytes.sum()),
        "compute": int(arrays.compute.sum()),
    }
