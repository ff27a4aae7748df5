"""Bounds of what an order of a table saves, by formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.models.table.arrays import Ints, TableArrays
from scheduling.models.table.groups import TableGroups

Floats = NDArray[np.float64]

_ROUNDING = 1e-9


def chain_bound(arrays: TableArrays, groups: TableGroups) -> int:
    """Return what no order saves more than: the best chain of groups of each row, by itself.

    Parameters
    ----------
    arrays
        The table.
    groups
        Groups of its rows, all or some.
    """
    return total_bound(groups, chain_bounds(arrays, groups))


def total_bound(groups: TableGroups, rows: Floats) -> int:
    """Return what no order saves more than, given that of each different row.

    Parameters
    ----------
    groups
        Groups of the rows of a table.
    rows
        What each different row saves at most, without cells that all rows have.
    """
    # Sums of fractions are rounded: what is a whole number but for that stays one.
    return groups.certain + int(rows.sum() * (1.0 + _ROUNDING) + _ROUNDING)


def chain_bounds(arrays: TableArrays, groups: TableGroups) -> Floats:
    """Return what each different row saves at most, without cells that all rows have.

    Lines in a row with an equal cell in front save its weight once less than there are lines: in
    each of them the weight times ``1 - 1 / lines``, and there are no more lines than rows that have
    this cell and all those in front of it. So a row saves no more than along its best chain of
    groups, each inside the one before. Where the groups of a chain are not all known, every further
    cell of the row counts as if it stood alone behind those that are.

    Parameters
    ----------
    arrays
        The table.
    groups
        Groups of its rows, all or some.
    """
    best = np.zeros(len(groups.rows))
    saved = np.zeros(len(groups.members))
    share = np.array([1.0 - 1.0 / len(rows) for rows in groups.members])
    arcs = np.argsort(groups.tail, kind="stable")
    ends = np.searchsorted(groups.tail[arcs], np.arange(len(groups.members) + 1))
    for group, rows in enumerate(groups.members):
        best[rows] = np.maximum(best[rows], saved[group])
        mine = arcs[ends[group] : ends[group + 1]]
        heads = groups.head[mine]
        np.maximum.at(saved, heads, saved[group] + groups.gain[mine] * share[heads])
    group_of, row_of, further = _further(arrays, groups)
    np.maximum.at(best, row_of, saved[group_of] + further)
    return best


def _further(arrays: TableArrays, groups: TableGroups) -> tuple[Ints, Ints, Floats]:
    """Return what further cells save at most, by group without all its arcs and by row of it.

    A cell that is there c times in a group saves its weight times ``1 - 1 / c``.
    """
    left = np.nonzero(~groups.closed)[0]
    parts = [groups.members[group] for group in left]
    group = np.repeat(left, [len(rows) for rows in parts])
    row = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    total = np.zeros(len(row))
    for field, (texts, weight) in enumerate(
        zip(arrays.value[groups.rows].T, arrays.weight[groups.rows].T, strict=True)
    ):
        cells = group * (int(texts.max()) + 1) + texts[row]
        _, inverse, count = np.unique(cells, return_inverse=True, return_counts=True)
        free = ~groups.common[group, field]
        total += free * weight[row] * (1.0 - 1.0 / count[inverse])
    return group, row, total
