"""Energetic reasoning and propagation of precedences on time windows, compiled.

A task i uses ``use`` units of a resource for at least ``length[i]`` time inside the window
``[first[i], last[i])``. Baptiste, Le Pape and Nuijten (1999): in an interval ``[a, b)`` it uses at
least ``use * min(length, b - a, first + length - a, b - (last - length))`` work, and a resource
must not owe more than its capacity times ``b - a``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

IntArray = NDArray[np.int64]

FAILED, SAME, CHANGED = -1, 0, 1


@njit.entry
def propagate_links(
    first: IntArray,
    last: IntArray,
    length: IntArray,
    before: IntArray,
    after: IntArray,
    weight: IntArray,
) -> int:
    """Tighten windows by ``start[after] >= start[before] + weight`` until nothing changes."""
    result = SAME
    changed = True
    while changed:
        changed = False
        for e in range(len(before)):
            i, j = before[e], after[e]
            if first[i] + weight[e] > first[j]:
                first[j] = first[i] + weight[e]
                changed = True
                if first[j] + length[j] > last[j]:
                    return FAILED
            limit = last[j] - length[j] - weight[e] + length[i]
            if limit < last[i]:
                last[i] = limit
                changed = True
                if first[i] + length[i] > last[i]:
                    return FAILED
        if changed:
            result = CHANGED
    return result


@njit.entry
def propagate_energy(
    first: IntArray,
    last: IntArray,
    length: IntArray,
    tasks: IntArray,
    use: IntArray,
    capacity: int,
) -> int:
    """Check all intervals of one resource and tighten the windows of its tasks."""
    count = len(tasks)
    begins = np.empty(2 * count, np.int64)
    ends = np.empty(2 * count, np.int64)
    largest = 0
    for k in range(count):
        i = tasks[k]
        begins[k], begins[count + k] = first[i], last[i] - length[i]
        ends[k], ends[count + k] = last[i], first[i] + length[i]
        largest = max(largest, use[k] * length[i])
    begins, ends = np.unique(begins), np.unique(ends)
    owed = np.empty(count, np.int64)
    result = SAME
    for a in begins:
        for b in ends:
            if b <= a:
                continue
            total = 0
            for k in range(count):
                i = tasks[k]
                part = min(length[i], b - a, first[i] + length[i] - a, b - last[i] + length[i])
                owed[k] = use[k] * max(part, 0)
                total += owed[k]
            slack = capacity * (b - a) - total
            if slack < 0:
                return FAILED
            if slack < largest and _shift(first, last, length, tasks, use, owed, slack, a, b):
                result = CHANGED
    for k in range(count):
        if first[tasks[k]] + length[tasks[k]] > last[tasks[k]]:
            return FAILED
    return result


@njit.lean
def _shift(
    first: IntArray,
    last: IntArray,
    length: IntArray,
    tasks: IntArray,
    use: IntArray,
    owed: IntArray,
    slack: np.int64,
    a: np.int64,
    b: np.int64,
) -> bool:
    """Move tasks that do not fit into ``[a, b)`` when they start first, or end last.

    At least ``early`` of task i lies after a. If it ends x after b, at least ``early - x`` lies in
    the interval, which has room for ``owed_i + slack`` units of it; the mirror image likewise.
    """
    changed = False
    for k in range(len(tasks)):
        i, units = tasks[k], use[k]
        early = max(0, length[i] - max(0, a - first[i]))
        late = max(0, length[i] - max(0, last[i] - b))
        excess = units * early - owed[k] - slack
        if excess > 0:
            start = b - (-excess // units) - length[i]
            if start > first[i]:
                first[i] = start
                changed = True
        excess = units * late - owed[k] - slack
        if excess > 0:
            end = a + (-excess // units) + length[i]
            if end < last[i]:
                last[i] = end
                changed = True
    return changed
