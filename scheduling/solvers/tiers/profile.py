"""What is in a problem of placement in tiers, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.tiers.problem import TieredProblem
from scheduling.solvers.tiers.family import FAMILY, CompiledTiers


def profile(problem: TieredProblem) -> dict[str, Any]:
    """Return sizes, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledTiers(problem)
    arrays = data.arrays
    live = arrays.live
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "memories": arrays.n_memories,
        "tensors": arrays.n_tensors,
        "with_home": sum(tensor.home is not None for tensor in problem.tensors),
        "steps": arrays.n_steps,
        "bytes_of_tensors": int(arrays.size.sum()),
        "most_bytes_live": int((live * arrays.size[:, None]).sum(axis=0).max()),
        "bytes_used": int(arrays.bytes.sum()),
        "compute": int(arrays.compute.sum()),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
