"""Bound of the cost by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.spot.arrays import SpotArrays


def cost_bound(arrays: SpotArrays) -> int | None:
    """Return a cost that no answer is below; ``None`` when the work cannot be done in time.

    Each tick of work is done in a tick of its own, at the least price of what has capacity in it,
    and one changeover comes before.
    """
    if arrays.work + arrays.changeover > arrays.deadline:
        return None
    prices = np.array(arrays.price)[:, None]
    cheapest = np.where(arrays.free, prices, arrays.price[-1]).min(axis=0)
    return int(np.sort(cheapest)[: arrays.work + arrays.changeover].sum())
