"""The compiled search of what a row has in common with so many others. Importing it loads numba.

Sets of cells are bits in words: those of a row by falling weight.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]

_WORD, _BYTE = 64, 8

LARGEST = 64
"""Largest group of rows of which it is searched what they have in common."""


class _Row(NamedTuple):
    """A row beside all others.

    ``same`` has the cells that each other row has in common with it, and ``sums`` the weight of
    eight cells by their place and bits. Of the nodes on the way from the root, by depth: ``rows``
    and ``held``, how many these are, ``chosen`` cells that all of them have, and cells that may be
    ``added``.
    """

    same: Words
    sums: Ints
    rows: Ints
    held: Ints
    chosen: Words
    added: Words
    shares: Ints


@njit.entry
def bound_rows(
    value: Ints, weight: Ints, numbers: Ints, most: int, bound: Floats, cut: Flags
) -> int:
    """Bound what rows save, each by itself; return the work: cells and rows that were looked at.

    Parameters
    ----------
    value, weight
        Number of the text and its weight, by row and field; all rows differ.
    numbers
        The rows to bound.
    most
        Work of the search of one row, after which what is left is bounded as it is.
    bound
        Is given what each of these rows saves at most.
    cut
        Is given whether more work could lower that.
    """
    n, fields = value.shape
    words = (fields + _WORD - 1) // _WORD
    row = _Row(
        np.zeros((n, words), np.uint64),
        np.zeros((words * _BYTE, 1 << _BYTE), np.int64),
        np.zeros((fields + 2, n), np.int64),
        np.zeros(fields + 2, np.int64),
        np.zeros((fields + 2, words), np.uint64),
        np.zeros((fields + 2, words), np.uint64),
        np.zeros(n, np.int64),
    )
    work = 0
    front = np.zeros(min(n, LARGEST) + 1, np.int64)
    for number in numbers:
        front[:] = 0
        _lay(row, value, weight, number)
        searched = _search(row, n, fields, most, front)
        work += n * fields + searched
        cut[number] = searched > most
        total = 0.0
        for size in range(2, len(front)):
            total += front[size] / (size * (size - 1))
        # Of larger groups all that is known is that they have no more in common.
        size = len(front) - 1
        bound[number] = total + front[size] * (1.0 / size - 1.0 / n)
    return work


@njit.inner
def _lay(row: _Row, value: Ints, weight: Ints, number: int) -> None:
    """Compare a row with all others, itself left out."""
    n, fields = value.shape
    order = np.argsort(-weight[number], kind="mergesort")
    row.sums[:] = 0
    for bit in range(fields):
        place, own = bit // _BYTE, bit % _BYTE
        for byte in range(1 << _BYTE):
            if byte >> own & 1:
                row.sums[place, byte] += weight[number, order[bit]]
    row.same[:] = 0
    row.added[0] = 0
    row.chosen[0] = 0
    for bit in range(fields):
        one = np.uint64(1) << np.uint64(bit % _WORD)
        row.added[0, bit // _WORD] |= one
        field = order[bit]
        text = value[number, field]
        for other in range(n):
            if value[other, field] == text:
                row.same[other, bit // _WORD] |= one
    count = 0
    for other in range(n):
        if other != number:
            row.rows[0, count] = other
            count += 1
    row.held[0] = count


@njit.lean
def _weight(sums: Ints, place: int, word: Any) -> int:
    """Return the weight of the cells of one word."""
    total = 0
    at = place * _BYTE
    while word:
        total += sums[at, np.int64(word & np.uint64(255))]
        word >>= np.uint64(_BYTE)
        at += 1
    return total


@njit.inner
def _search(row: _Row, n: int, fields: int, most: int, front: Ints) -> int:
    """Raise the front to the most that groups of each size have in common; return the work.

    A node is a set of rows and all cells that they have in common. Whatever cells are added to
    these, no group of some size has more in common than the row with so many others that it shares
    the most of these and the cells that may be added with.
    """
    words = row.same.shape[1]
    work, depth = 0, 0
    following = np.zeros(fields + 2, np.int64)
    if n > 1:
        _best_pair(row, n, front)
    while depth >= 0:
        bit = following[depth]
        if bit >= fields:
            depth -= 1
            continue
        following[depth] += 1
        one, place = np.uint64(1) << np.uint64(bit % _WORD), bit // _WORD
        if not row.added[depth, place] & one:
            continue
        row.added[depth, place] ^= one
        below = depth + 1
        count = 0
        for k in range(row.held[depth]):
            other = row.rows[depth, k]
            if row.same[other, place] & one:
                row.rows[below, count] = other
                count += 1
        row.held[below] = count
        if count == 0 or not _closed(row, below, one, place):
            continue
        work += count
        if _improves(row, below, words, work > most, front):
            following[below] = bit + 1
            depth = below
    return work


@njit.lean
def _best_pair(row: _Row, n: int, front: Ints) -> None:
    for k in range(n - 1):
        total = 0
        for place in range(row.same.shape[1]):
            total += _weight(row.sums, place, row.same[row.rows[0, k], place])
        front[2] = max(front[2], total)


@njit.lean
def _closed(row: _Row, below: int, one: Any, place: int) -> bool:
    """Note what the rows of a node have in common; tell whether nothing of that was ruled out."""
    above = below - 1
    for at in range(row.same.shape[1]):
        everyone, anyone = ~np.uint64(0), np.uint64(0)
        for k in range(row.held[below]):
            word = row.same[row.rows[below, k], at]
            everyone &= word
            anyone |= word
        allowed = row.added[above, at] | row.chosen[above, at]
        if at == place:
            allowed |= one
        if everyone & ~allowed:
            return False
        row.chosen[below, at] = everyone
        row.added[below, at] = row.added[above, at] & anyone & ~everyone
    return True


@njit.inner
def _improves(row: _Row, node: int, words: int, ends: bool, front: Ints) -> bool:
    """Raise the front by a node; tell whether more cells could raise it further.

    Where the search ends, it is raised to what more cells may bring.
    """
    own = 0
    for place in range(words):
        own += _weight(row.sums, place, row.chosen[node, place])
    largest = min(row.held[node] + 1, len(front) - 1)
    for size in range(2, largest + 1):
        front[size] = max(front[size], own)
    # The front falls: what is no more than its end does not matter.
    count = 0
    for k in range(row.held[node]):
        total = own
        for place in range(words):
            word = row.same[row.rows[node, k], place] & row.added[node, place]
            total += _weight(row.sums, place, word)
        if total > front[largest]:
            row.shares[count] = total
            count += 1
    shares = row.shares[:count]
    shares.sort()
    more = False
    for size in range(2, min(largest, count + 1) + 1):
        share = shares[count + 1 - size]
        if share > front[size]:
            more = True
            if not ends:
                break
            front[size] = share
    return more and not ends
