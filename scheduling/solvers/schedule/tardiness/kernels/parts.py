"""The parts of a decomposition of one machine: their names, the table of solved ones, the stack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

FIRST, LAST, LONGEST, TIME, BEST, CHOICE, CURSOR, BASE = range(8)
"""Columns of ``Decomposition.frame``: the part, the best value and position so far, the next of its
positions to try, and where they stand."""

JOB, UNTIL, LEFT, RIGHT, LEFT_BOUND, LOOKED = 0, 1, 2, 5, 8, 9
"""Columns of ``Decomposition.position``: the last job that is not behind the longest one, the
completion of the longest one, the first, last and longest job of both sides (-1 for none), a lower
bound of the left side, and whether that is missing (0), exact (1) or not (2)."""

DEPTH, USED, VALUE, STATE = range(4)
"""Entries of ``Decomposition.counter``: open parts, filled slots, value of the whole, and how it
stands: one of the following."""

OPEN, DONE, FULL = range(3)

EMPTY = -1
"""Key of a slot without a part."""

UNKNOWN = -1
"""Value or cursor that is not there yet."""

_LARGEST = 1500
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Its products with single bits differ in their first six bits."""


class Decomposition(NamedTuple):
    """The problem, the table and the stack; made by :func:`make_decomposition`.

    Attributes
    ----------
    duration, due
        By job, in due date order.
    rank
        Position of each job by duration (ties by number).
    by_rank
        Jobs by rank.
    shift
        Bits of a job's number and of both numbers in a key.
    key, value, choice
        Open hashing: the part, its least tardiness, the position of its longest job.
    frame, position
        Stack of open parts and, one after the other, the positions still to try.
    counter
        See the names of this module.
    word, bit
        Scratch: a set of ranks as bits; and the number of a lowest bit by its de Bruijn product.
    """

    duration: Ints
    due: Ints
    rank: Ints
    by_rank: Ints
    shift: Ints
    key: Ints
    value: Ints
    choice: NDArray[np.int32]
    frame: Ints
    position: Ints
    counter: Ints
    word: Words
    bit: Ints


def fits(durations: Ints) -> bool:
    """Tell whether the names of parts fit into 63 bits, and the stack into memory."""
    n = len(durations)
    return (
        n <= _LARGEST and 3 * max(1, n - 1).bit_length() + int(durations.sum()).bit_length() <= 63
    )


def make_decomposition(durations: Ints, dues: Ints, slots: int = 1 << 16) -> Decomposition:
    """Prepare the recursion; nothing is solved yet.

    Parameters
    ----------
    durations, dues
        By job, sorted by due date and then by duration; durations are positive.
    slots
        First size of the table, a power of two.
    """
    n = len(durations)
    by_rank = np.lexsort((np.arange(n), durations)).astype(np.int64)
    rank = np.empty(n, np.int64)
    rank[by_rank] = np.arange(n)
    bits = max(1, n - 1).bit_length()
    frame = np.zeros((n + 1, 8), np.int64)
    counter = np.zeros(4, np.int64)
    counter[VALUE] = UNKNOWN
    if n:
        frame[0, :4] = 0, n - 1, by_rank[-1], 0
        frame[0, CURSOR] = UNKNOWN
        counter[DEPTH] = 1
    return Decomposition(
        duration=durations,
        due=dues,
        rank=rank,
        by_rank=by_rank,
        shift=np.array([bits, 2 * bits, 3 * bits], np.int64),
        key=np.full(slots, EMPTY, np.int64),
        value=np.zeros(slots, np.int64),
        choice=np.zeros(slots, np.int32),
        frame=frame,
        position=np.zeros((n * (n + 1) // 2 + 1, 10), np.int64),
        counter=counter,
        word=np.zeros(n // 64 + 1, np.uint64),
        bit=_bit_numbers(),
    )


def _bit_numbers() -> Ints:
    numbers = np.zeros(64, np.int64)
    for bit in range(64):
        numbers[((int(DE_BRUIJN) << bit) & (2**64 - 1)) >> 58] = bit
    return numbers


def grown(part: Decomposition) -> Decomposition:
    """Return the same recursion with a table of twice the size."""
    slots = 2 * len(part.key)
    larger = part._replace(
        key=np.full(slots, EMPTY, np.int64),
        value=np.zeros(slots, np.int64),
        choice=np.zeros(slots, np.int32),
    )
    rehash(part.key, part.value, part.choice, larger.key, larger.value, larger.choice)
    larger.counter[STATE] = OPEN
    return larger


@njit.lean_entry
def rehash(
    old_key: Ints,
    old_value: Ints,
    old_choice: NDArray[np.int32],
    key: Ints,
    value: Ints,
    choice: NDArray[np.int32],
) -> None:
    """Copy all entries into a table of another size."""
    for index in range(old_key.shape[0]):
        if old_key[index] != EMPTY:
            slot = slot_of(key, old_key[index])
            key[slot] = old_key[index]
            value[slot] = old_value[index]
            choice[slot] = old_choice[index]


@njit.lean
def slot_of(key: Ints, wanted: int) -> int:
    """Slot that holds the key, or the empty one where it belongs."""
    mask = key.shape[0] - 1
    mixed = np.uint64(wanted) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while key[slot] != EMPTY and key[slot] != wanted:
        slot = (slot + 1) & mask
    return slot


@njit.lean
def name_of(part: Decomposition, first: int, last: int, longest: int, time: int) -> int:
    """Key of a part."""
    shift = part.shift
    return (time << shift[2]) | (first << shift[1]) | (last << shift[0]) | longest


@njit.lean_entry
def find_slot(part: Decomposition, first: int, last: int, longest: int, time: int) -> int:
    """Slot of a part in the table."""
    return slot_of(part.key, name_of(part, first, last, longest, time))
