"""What is in a loop, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.loop.bounds import recurrence_bound, resource_bound
from scheduling.models.loop.problem import LoopProblem
from scheduling.solvers.loop.family import FAMILY, CompiledLoop


def profile(problem: LoopProblem) -> dict[str, Any]:
    """Return sizes, loads of units, bounds by formula and solvers, as plain values for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledLoop(problem)
    arrays = data.arrays
    load = dict.fromkeys((unit.id for unit in problem.units), 0)
    for operation in problem.operations:
        for use in operation.uses:
            load[use.unit] += use.amount * use.cycles
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "operations": arrays.n,
        "dependences": len(arrays.edges),
        "values": len(arrays.lives),
        "warps": arrays.n_warps,
        "cycles_by_unit": {unit.id: load[unit.id] / unit.capacity for unit in problem.units},
        "resource_bound": resource_bound(arrays),
        "recurrence_bound": recurrence_bound(arrays),
        "sum_of_latencies": sum(arrays.latency),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
