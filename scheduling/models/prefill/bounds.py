"""Bound of prompts on time by formula."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from scheduling.models.prefill.arrays import PrefillArrays


def most_weight(arrays: PrefillArrays) -> int:
    """Return the most weight that could be on time if all were released with the first.

    As many as can are found by due time, dropping the longest whenever one is late (Moore and
    Hodgson, 1968); what is not dropped counts with the greatest weights. Prompts that would be late
    alone count nothing.
    """
    able = arrays.release + arrays.work <= arrays.due
    if not able.any():
        return 0
    rows = np.flatnonzero(able)
    now = int(arrays.release[rows].min())
    kept: list[int] = []
    for row in rows[np.argsort(arrays.due[rows], kind="stable")].tolist():
        heappush(kept, -int(arrays.work[row]))
        now += int(arrays.work[row])
        if now > arrays.due[row]:
            now += heappop(kept)
    weights = np.sort(arrays.weight[rows])[::-1]
    return int(weights[: len(kept)].sum())
