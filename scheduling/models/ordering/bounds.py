"""Bounds of ordering problems by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.ordering.arrays import FREE, OrderingArrays


def makespan_bound(arrays: OrderingArrays) -> int:
    """Lower bound of the makespan: the longest transaction, and pairs that conflict.

    Of two transactions that conflict one comes first, at time 1 or later, and the other one starts
    by its separation later, and not before 1 either.
    """
    longest = int(arrays.length.max())
    conflicts = arrays.lag != FREE
    if not conflicts.any():
        return longest
    behind = np.where(conflicts, np.maximum(arrays.lag, 0), 0) + arrays.length[None, :]
    both = np.maximum(behind, arrays.length[:, None])
    pairs = np.minimum(both, both.T)
    return max(longest, int(pairs[conflicts].max()))
