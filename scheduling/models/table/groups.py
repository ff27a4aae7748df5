"""Groups of rows with equal cells, and how one group lies in another: what orders choose from.

Orders of rows and fields form a trie: a row is the path of its cells in their order, rows that
begin alike share nodes, and what is saved is the weight of all cells less that of the trie's.
A node's cells are held by a group of rows. Cells that all rows of a group have cost least at once,
so that only groups with all their common cells matter, and rows that are equal count as one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from scheduling.models.table.arrays import Flags, Ints, TableArrays

_PAIR = 2
"""Rows of which no part has more in common."""


@dataclass(frozen=True, eq=False)
class TableGroups:
    """A network of groups: an arc leads from a group to those rows of it that have one more cell.

    Attributes
    ----------
    certain
        What every sensible order saves: cells that all rows have, and rows that are there again.
    rows
        A row of the table for each different one; groups name rows by their place here.
    members
        Rows of each group, at least two, larger groups first; the first has all rows.
    common
        By group and field: whether its rows have the same cell there.
    tail, head, gain
        Of each arc: its groups, and the weight of the cells that the second has in addition.
    closed
        By group: whether its arcs are all there.
    """

    certain: int
    rows: Ints
    members: tuple[Ints, ...]
    common: Flags
    tail: Ints
    head: Ints
    gain: Ints
    closed: Flags

    @property
    def complete(self) -> bool:
        """Whether all groups and arcs are there."""
        return bool(self.closed.all())


def find_groups(
    arrays: TableArrays, most: int, stops: Callable[[], bool] = lambda: False
) -> TableGroups:
    """Find groups of rows, large ones first.

    Parameters
    ----------
    arrays
        The table.
    most
        Rows of all groups that arcs lead to, together, at which the search ends.
    stops
        Whether the time is over.
    """
    value, rows, times = np.unique(arrays.value, axis=0, return_index=True, return_counts=True)
    return _Search(value, arrays.weight[rows]).run(rows, times, most, stops)


class _Search:
    """Groups found so far, by number in the order in which they were found."""

    def __init__(self, value: Ints, weight: Ints) -> None:
        self.value = value
        self.weight = weight
        self.number: dict[bytes, int] = {}
        self.members: list[Ints] = []
        self.common: list[Flags] = []
        self.arcs: dict[tuple[int, int], int] = {}
        self.open: list[tuple[int, int]] = []
        self.reached = 0

    def run(self, rows: Ints, times: Ints, most: int, stops: Callable[[], bool]) -> TableGroups:
        """Open groups, large ones first, until all are open or the limits are reached."""
        self._number(np.arange(len(rows)))
        certain = int((times - 1) @ self.weight.sum(axis=1))
        certain += (len(rows) - 1) * int(self.weight[0, self.common[0]].sum())
        while self.open and not stops():
            entry = heappop(self.open)
            if not self._opened(entry[1], most, stops):
                heappush(self.open, entry)
                break
        left = {group for _, group in self.open}
        order = sorted(range(len(self.members)), key=lambda group: -len(self.members[group]))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        ends = np.array(list(self.arcs), np.int64).reshape(-1, 2)
        return TableGroups(
            certain=certain,
            rows=rows,
            members=tuple(self.members[group] for group in order),
            common=np.array(self.common)[order],
            tail=place[ends[:, 0]],
            head=place[ends[:, 1]],
            gain=np.array(list(self.arcs.values()), np.int64),
            closed=np.array([group not in left for group in order]),
        )

    def _opened(self, group: int, most: int, stops: Callable[[], bool]) -> bool:
        """Add the arcs of a group; tell whether they are all there within the limits."""
        rows, common = self.members[group], self.common[group]
        for field in np.nonzero(~common)[0]:
            texts = self.value[rows, field]
            order = np.argsort(texts, kind="stable")
            ends = np.nonzero(np.diff(texts[order], append=-1))[0] + 1
            for start, end in zip((0, *ends[:-1].tolist()), ends.tolist(), strict=True):
                if end - start > 1:
                    if self.reached >= most:
                        return False
                    inside = rows[np.sort(order[start:end])]
                    head = self._number(inside)
                    added = self.common[head] & ~common
                    self.arcs[group, head] = int(self.weight[inside[0], added].sum())
                    self.reached += len(inside)
            if stops():
                return False
        return True

    def _number(self, rows: Ints) -> int:
        key = rows.tobytes()
        if key not in self.number:
            self.number[key] = len(self.members)
            if len(rows) > _PAIR:
                heappush(self.open, (-len(rows), len(self.members)))
            self.members.append(rows)
            self.common.append((self.value[rows] == self.value[rows[0]]).all(axis=0))
        return self.number[key]
