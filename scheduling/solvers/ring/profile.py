"""What is in a problem of rings, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.ring.family import CompiledRing


def profile(data: CompiledRing) -> dict[str, Any]:
    """Return sizes and rates, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    arrays = data.arrays
    return {
        "nodes": arrays.nodes,
        "rates_that_differ": len(arrays.rates),
        "slowest_link": float(arrays.rates[0] * arrays.unit),
        "fastest_link": float(arrays.rates[-1] * arrays.unit),
        "symmetric": bool((arrays.level == arrays.level.T).all()),
        "rate_of_the_nodes_as_listed": -float(
            data.values(tuple(range(arrays.nodes)))[0] * arrays.unit
        ),
    }
