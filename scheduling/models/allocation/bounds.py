"""Bounds of allocation problems by formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.allocation.arrays import AllocationArrays

_INT64 = 2**62


def price_bound(arrays: AllocationArrays) -> int:
    """Upper bound of the gain: the Lagrangian relaxation of the budget at its best price.

    At a price p per unit of the budget, no allocation gains more than
    ``p budget + sum_i max_k (g_ik - p c_ik)``. The least such value is that of the linear program,
    and the best price is the slope of the step along the concave envelopes, steepest first, at
    which the budget is used up (0 when it never is). The bound is the gain itself where that step
    just fits; Kellerer, Pferschy and Pisinger (2004), section 11.2.
    """
    steps = arrays.steps
    left = arrays.budget - arrays.least
    beyond = np.flatnonzero(np.cumsum(steps.cost) > left)
    # The price is rise / run; everything is multiplied by run to stay in integers.
    rise, run = (0, 1) if not len(beyond) else _slope(arrays, int(beyond[0]))
    most = run * int(np.abs(arrays.gain).max()) + rise * int(arrays.cost.max())
    kind = np.int64 if most < _INT64 else np.object_
    gain: Any = arrays.gain.astype(kind)
    cost: Any = arrays.cost.astype(kind)
    best = np.maximum.reduceat(run * gain - rise * cost, arrays.start[:-1])
    return (rise * arrays.budget + sum(int(value) for value in best)) // run


def _slope(arrays: AllocationArrays, step: int) -> tuple[int, int]:
    return int(arrays.steps.gain[step]), int(arrays.steps.cost[step])
