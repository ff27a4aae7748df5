"""What is in a loop, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.loop.bounds import recurrence_bound, resource_bound
from scheduling.solvers.loop.family import CompiledLoop


def profile(data: CompiledLoop) -> dict[str, Any]:
    """Return sizes and loads of units, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    load = dict.fromkeys((unit.id for unit in problem.units), 0)
    for operation in problem.operations:
        for use in operation.uses:
            load[use.unit] += use.amount * use.cycles
    return {
        "operations": arrays.n,
        "dependences": len(arrays.edges),
        "values": len(arrays.lives),
        "warps": arrays.n_warps,
        "cycles_by_unit": {unit.id: load[unit.id] / unit.capacity for unit in problem.units},
        "resource_bound": resource_bound(arrays),
        "recurrence_bound": recurrence_bound(arrays),
        "sum_of_latencies": sum(arrays.latency),
    }
