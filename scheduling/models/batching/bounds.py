"""Bounds of batching by formula: the area of memory, one machine with preemption."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.models.batching.arrays import BatchingArrays, Ints
from scheduling.models.preemptive import mean_busy_sum, span, srpt_sum

_TOLERANCE = 1e-6


def value_bound(arrays: BatchingArrays) -> int | None:
    """Return a lower bound of the objective; ``None`` for ``on-time``, which has none by formula.

    An iteration holds ``memory`` tokens and ``batch`` requests. So the memory is one machine, on
    which a request takes ``area / memory`` iterations that may be interrupted, and so are the
    places, of which it takes ``output / batch``. On either machine shortest remaining work first
    bounds unweighted flow, and the latest end bounds the makespan; and as a request is worked on in
    a fixed way from its start to its end, its end is the mean moment of that work and a constant,
    so that the least mean busy times bound the weighted flow.
    """
    if arrays.objective == "on-time":
        return None
    order = np.argsort(arrays.release, kind="stable")
    found = _alone(arrays)
    count = arrays.output
    places = (count, count * count / 2)
    # Sum over the j-th iteration of (prompt + j) tokens times output - j + 1/2 until the end.
    tokens = count * (count + 1) // 2
    cubes = count * (count + 1) * (count + 2) / 6
    held = (arrays.area, arrays.prompt * count * count / 2 + cubes - tokens / 2)
    for (work, late), limit in ((places, arrays.batch), (held, arrays.memory)):
        found = max(found, _of_machine(arrays, order, work, late, limit))
    return found


def _alone(arrays: BatchingArrays) -> int:
    if arrays.objective == "makespan":
        return int((arrays.release + arrays.output).max())
    return int((arrays.weight * arrays.output).sum())


def _of_machine(
    arrays: BatchingArrays, order: Ints, work: Ints, late: NDArray[np.float64], limit: int
) -> int:
    """Bound the objective by one resource, of which an iteration has ``limit``."""
    release = arrays.release[order].astype(np.float64)
    needs = work[order] / limit
    if arrays.objective == "makespan":
        return ceil(span(release, needs) - _TOLERANCE)
    weight = arrays.weight[order].astype(np.float64)
    tail = float((weight * (late / work)[order]).sum())
    arrived = float((weight * release).sum())
    busy = mean_busy_sum(release, needs, weight) + tail
    if (arrays.weight == 1).all():
        busy = max(busy, srpt_sum(release, needs))
    return ceil((busy - arrived) * (1 - 1e-12) - _TOLERANCE)
