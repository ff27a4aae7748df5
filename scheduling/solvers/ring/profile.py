"""What is in a problem of rings, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.ring.problem import RingProblem
from scheduling.solvers.ring.family import FAMILY, CompiledRing


def profile(problem: RingProblem) -> dict[str, Any]:
    """Return sizes, rates, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledRing(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "nodes": arrays.nodes,
        "rates_that_differ": len(arrays.rates),
        "slowest_link": float(arrays.rates[0] * arrays.unit),
        "fastest_link": float(arrays.rates[-1] * arrays.unit),
        "symmetric": bool((arrays.level == arrays.level.T).all()),
        "rate_of_the_nodes_as_listed": -float(
            data.values(tuple(range(arrays.nodes)))[0] * arrays.unit
        ),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
