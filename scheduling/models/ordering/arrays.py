"""Ordering problems as arrays, for solvers and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.ordering.problem import OrderingProblem

Ints = NDArray[np.int64]

FREE = -(2**40)
"""Separation of transactions that do not conflict."""


@dataclass(frozen=True, eq=False)
class OrderingArrays:
    """Separations of all pairs; a candidate is an order.

    Attributes
    ----------
    lag
        If i comes before j, ``start_j >= start_i + lag[i, j]``: the largest ``p - q + 1`` over
        operations p of i and q of j that conflict; ``FREE`` where none do.
    length
        Number of operations of each transaction.
    """

    lag: Ints
    length: Ints

    @property
    def n_transactions(self) -> int:
        """Number of transactions."""
        return len(self.length)

    def starts(self, order: Sequence[int]) -> Ints:
        """Earliest start of each transaction in an order, in that order."""
        found = np.zeros(len(order), np.int64)
        places = np.asarray(order, np.int64)
        for place in range(len(order)):
            after = found[:place] + self.lag[places[:place], places[place]]
            found[place] = max(1, int(after.max(initial=1)))
        return found

    def makespan(self, order: Sequence[int]) -> int:
        """Time of the last operation."""
        ends = self.starts(order) + self.length[np.asarray(order, np.int64)] - 1
        return int(ends.max())


def compile_ordering(problem: OrderingProblem) -> OrderingArrays:
    """Translate a problem into arrays."""
    rows = [line.split() for line in problem.transactions]
    users: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for number, row in enumerate(rows):
        for use, place in _places(row, last=False).items():
            users.setdefault(use, []).append((number, place))
    first = {use: np.array(found, np.int64) for use, found in users.items()}
    lag = np.full((len(rows), len(rows)), FREE, np.int64)
    for i, row in enumerate(rows):
        for (key, wrote), place in _places(row, last=True).items():
            for writes in (True, False):
                if (key, writes) in first and (wrote or writes):
                    others, places = first[key, writes].T
                    lag[i, others] = np.maximum(lag[i, others], place - places + 1)
    np.fill_diagonal(lag, FREE)
    return OrderingArrays(lag, np.array([len(row) for row in rows], np.int64))


def _places(row: list[str], *, last: bool) -> dict[tuple[str, bool], int]:
    """Return the first or last place of each key, read and written apart."""
    found: dict[tuple[str, bool], int] = {}
    for place, word in enumerate(row):
        kind, _, key = word.partition("-")
        if key and (last or (key, kind == "w") not in found):
            found[key, kind == "w"] = place
    return found
