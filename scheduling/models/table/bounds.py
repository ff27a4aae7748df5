"""Bounds of what an order of a table saves, by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.table.arrays import TableArrays

_PAIRS = 2000
"""Rows of which all pairs are looked at."""


def saved_bound(arrays: TableArrays) -> int:
    """Return what no order saves more than: the least of two bounds.

    Of c rows with the same cell, c - 1 at most have it right behind another one: each text counts
    that often. And lines in a row are a tree over all rows, whose edges save no more than all cells
    that two rows share, so that the heaviest tree saves at least as much (Prim, 1957).
    """
    repeated = 0
    for field in range(arrays.value.shape[1]):
        _, first, count = np.unique(arrays.value[:, field], return_index=True, return_counts=True)
        repeated += int(arrays.weight[first, field] @ (count - 1))
    if len(arrays.value) > _PAIRS:
        return repeated
    return min(repeated, _heaviest_tree(arrays))


def _heaviest_tree(arrays: TableArrays) -> int:
    total, row = 0, 0
    rows = len(arrays.value)
    best = np.full(rows, -1, np.int64)
    outside = np.ones(rows, bool)
    for _ in range(rows - 1):
        outside[row] = False
        same = arrays.value == arrays.value[row]
        best = np.maximum(best, (same * arrays.weight[row]).sum(axis=1))
        row = int(np.where(outside, best, -1).argmax())
        total += int(best[row])
    return total
