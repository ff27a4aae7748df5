"""Bound of packings by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.packing.arrays import PackingArrays


def chunks_bound(arrays: PackingArrays) -> int:
    """Return a lower bound of the chunks that sequences share (L2 of Martello and Toth, 1990).

    For each threshold k up to half a chunk: sequences above ``size - k`` lie alone, no two above
    half a chunk lie together, and those from k to half a chunk fill what those leave.
    """
    size, length = arrays.size, arrays.length
    if not len(length):
        return 0
    rising = length[::-1]
    below = np.concatenate(([0], np.cumsum(rising)))
    half = int(np.searchsorted(rising, size // 2, side="right"))
    best = -(-int(below[-1]) // size)
    for k in np.unique(rising[:half]).tolist():
        first = int(np.searchsorted(rising, k, side="left"))
        alone = int(np.searchsorted(rising, size - k, side="right"))
        large = len(rising) - half
        room = (alone - half) * size - int(below[alone] - below[half])
        small = int(below[half] - below[first])
        best = max(best, large + max(0, -(-(small - room) // size)))
    return max(best, len(rising) - half)
