"""Lower bounds by formula: critical path, machine and resource load, per measure."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.windows import difference_edges, earliest_starts, tails


def formula_bounds(arrays: ScheduleArrays) -> list[int | None] | None:
    """Lower bound of each tier of the objective, from formulas alone.

    Every measure is bounded on its own; a weighted sum of measures by the weighted sum of their
    bounds.

    Returns
    -------
    list of int, or None
        ``None`` when the time windows and precedences contradict each other.
    """
    edges = difference_edges(arrays)
    heads, after = earliest_starts(arrays, edges), tails(arrays, edges)
    if heads is None or after is None:
        return None
    ends = heads + arrays.min_duration()
    if np.any(ends > arrays.deadline):
        return None
    completion = np.maximum.reduceat(ends, arrays.job_ptr[:-1])
    measures: Ints = arrays.measures(completion)
    measures[0] = max(int(measures[0]), int((heads + after).max()))
    return [int(value) for value in arrays.weights @ measures]
