"""What is in an ordering problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.ordering.arrays import FREE
from scheduling.solvers.ordering.family import CompiledOrdering


def profile(data: CompiledOrdering) -> dict[str, Any]:
    """Return sizes and conflicts, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem, arrays = data.problem, data.arrays
    words = {word for line in problem.transactions for word in line.split()}
    return {
        "transactions": arrays.n_transactions,
        "operations": int(arrays.length.sum()),
        "keys": len({word.partition("-")[2] for word in words} - {""}),
        "conflicting_pairs": int(np.triu(arrays.lag != FREE, 1).sum()),
    }
