"""Batches of transactions that conflict, and the makespan of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError

Ints = NDArray[np.int64]

FREE = -(2**40)
"""Separation of transactions that do not conflict."""

Operation = tuple[bool, str] | None
"""Whether it writes, and the key; ``None``: work without a key."""


@dataclass(frozen=True)
class Batch:
    """Transactions of operations of one unit of time each.

    Placed one after the other in an order, each transaction starts at the earliest time, 1 or
    later, at which every operation of it comes after those of earlier transactions that it
    conflicts with: operations on the same key, one of which writes.

    Source: the transaction task of "Barbarians at the Gate" (arXiv 2510.06189).
    """

    transactions: tuple[tuple[Operation, ...], ...]

    @classmethod
    def read(cls, lines: Sequence[str]) -> Self:
        """Read one transaction a line: ``r-K``, ``w-K`` or ``*``, with blanks between.

        Raises
        ------
        InputError
            Naming every line with another word, or without any.
        """
        faults, found = [], []
        for number, line in enumerate(lines):
            words = line.split()
            wrong = [word for word in words if word != "*" and word[:2] not in ("r-", "w-")]
            if wrong or not words:
                given = repr(wrong[0]) if wrong else "no operation"
                faults.append(Fault(f"transactions[{number}]", given, "r-KEY, w-KEY or *"))
            found.append(
                tuple(None if word == "*" else (word[0] == "w", word[2:]) for word in words)
            )
        if faults or not found:
            raise InputError(faults or [Fault("transactions", "none", "at least one line")])
        return cls(tuple(found))

    @property
    def lengths(self) -> Ints:
        """Number of operations of each transaction."""
        return np.array([len(entry) for entry in self.transactions], np.int64)

    def separations(self) -> Ints:
        """Return by how much each transaction starts after each other one that is before it.

        ``start_j >= start_i + a_ij`` with ``a_ij`` the largest ``p - q + 1`` over operations p of i
        and q of j that conflict; ``FREE`` where none do.
        """
        count = len(self.transactions)
        found = np.full((count, count), FREE, np.int64)
        last = [_places(entry, last=True) for entry in self.transactions]
        first = [_places(entry, last=False) for entry in self.transactions]
        for i in range(count):
            for j in range(count):
                if i == j:
                    continue
                gaps = [
                    p - first[j][key, writes] + 1
                    for (key, wrote), p in last[i].items()
                    for writes in (True, False)
                    if (wrote or writes) and (key, writes) in first[j]
                ]
                found[i, j] = max(gaps, default=FREE)
        return found

    def makespan(self, order: Sequence[int]) -> int:
        """Place the transactions operation by operation; return the last unit of time.

        Raises
        ------
        InputError
            When the order does not have each transaction once.
        """
        if sorted(order) != list(range(len(self.transactions))):
            expected = f"each of {len(self.transactions)} transactions once"
            raise InputError.single("order", str(list(order)), expected)
        read: dict[str, int] = {}
        written: dict[str, int] = {}
        end = 0
        for number in order:
            operations = self.transactions[number]
            start = 1
            for place, operation in enumerate(operations):
                if operation is not None:
                    writes, key = operation
                    before = max(written.get(key, 0), read.get(key, 0) if writes else 0)
                    start = max(start, before + 1 - place)
            for place, operation in enumerate(operations):
                if operation is not None:
                    writes, key = operation
                    times = written if writes else read
                    times[key] = max(times.get(key, 0), start + place)
            end = max(end, start + len(operations) - 1)
        return end


def _places(entry: tuple[Operation, ...], *, last: bool) -> dict[tuple[str, bool], int]:
    """Return the first or last place of each key, read and written apart."""
    found: dict[tuple[str, bool], int] = {}
    for place, operation in enumerate(entry):
        if operation is not None:
            writes, key = operation
            if last or (key, writes) not in found:
                found[key, writes] = place
    return found
