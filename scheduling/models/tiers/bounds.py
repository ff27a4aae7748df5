"""Bounds of placements in tiers by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.tiers.arrays import TieredArrays


def time_bound(arrays: TieredArrays) -> int:
    """Lower bound of the ticks: each step with its bytes spread over all memories at will.

    A step takes no less than its work, nor than its bytes over the bandwidth of all memories
    together.
    """
    spread = -(-arrays.bytes.sum(axis=0) // int(arrays.bandwidth.sum()))
    return int(np.maximum(arrays.compute, spread).sum())
