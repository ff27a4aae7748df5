"""What is in an ordering problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.ordering.arrays import FREE
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.solvers.ordering.family import FAMILY, CompiledOrdering


def profile(problem: OrderingProblem) -> dict[str, Any]:
    """Return sizes, conflicts, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledOrdering(problem)
    arrays = data.arrays
    words = {word for line in problem.transactions for word in line.split()}
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "transactions": arrays.n_transactions,
        "operations": int(arrays.length.sum()),
        "keys": len({word.partition("-")[2] for word in words} - {""}),
        "conflicting_pairs": int(np.triu(arrays.lag != FREE, 1).sum()),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
