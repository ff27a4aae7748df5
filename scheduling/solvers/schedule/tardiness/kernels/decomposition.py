"""Exact total tardiness of one machine: Lawler's decomposition with a table of solved parts.

Jobs are numbered in due date order (ties by duration). The longest job of a part goes to a
position at or behind its own: the jobs up to there precede it, the others follow (Lawler, 1977,
Annals of Discrete Mathematics 1). Both sides are again intervals of due dates with an upper limit
on durations, so a part is named by its first, last and longest job and its starting time. Positions
that cannot be best are left out by the rules of Potts and Van Wassenhove (1982, Operations Research
Letters 1), and parts that due date or duration order solves are never opened. Solved parts are
remembered (Szwarc, Grosso and Della Croce, 2001, Journal of Scheduling 4).

The recursion keeps a stack of its own, so that it can be stopped and continued.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.schedule.kernels.project_jit import njit

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

_EMPTY = -1
_UNKNOWN = -1
_MOST = 1 << 62
_LARGEST = 1500
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)


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
    counter[VALUE] = _UNKNOWN
    if n:
        frame[0, :4] = 0, n - 1, by_rank[-1], 0
        frame[0, CURSOR] = _UNKNOWN
        counter[DEPTH] = 1
    return Decomposition(
        duration=durations,
        due=dues,
        rank=rank,
        by_rank=by_rank,
        shift=np.array([bits, 2 * bits, 3 * bits], np.int64),
        key=np.full(slots, _EMPTY, np.int64),
        value=np.zeros(slots, np.int64),
        choice=np.zeros(slots, np.int32),
        frame=frame,
        position=np.zeros((n * (n + 1) // 2 + 1, 10), np.int64),
        counter=counter,
        word=np.zeros(n // 64 + 1, np.uint64),
        bit=_bit_numbers(),
    )


def best_order(part: Decomposition) -> Ints:
    """Return an order of least tardiness once the whole is ``DONE``."""
    n = len(part.duration)
    order: list[int] = []
    if n == 0:
        return np.array(order, np.int64)
    waiting = [(0, n - 1, int(part.by_rank[-1]), 0)]
    while waiting:
        first, last, longest, now = waiting.pop()
        if first < 0:
            continue
        if first == last:
            order.append(first)
            continue
        top = part.rank[longest]
        members = [job for job in range(first, last + 1) if part.rank[job] <= top]
        slot = int(find_slot(part, first, last, longest, now))
        if part.key[slot] == _EMPTY:
            order += _easy_order(part, members, now)
            continue
        choice = int(part.choice[slot])
        ahead = [job for job in members if job <= choice and job != longest]
        behind = [job for job in members if job > choice]
        until = now + int(part.duration[[*ahead, longest]].sum())
        # The stack is worked off from its end: first what is ahead, then the longest job.
        waiting.append(_part_of(part, behind, until))
        waiting.append((longest, longest, longest, until))
        waiting.append(_part_of(part, ahead, now))
    return np.array(order, np.int64)


def _part_of(part: Decomposition, members: list[int], time: int) -> tuple[int, int, int, int]:
    if not members:
        return -1, -1, -1, time
    longest = max(members, key=lambda job: int(part.rank[job]))
    return members[0], members[-1], longest, time


def _easy_order(part: Decomposition, members: list[int], time: int) -> list[int]:
    """Order by due date or by duration, whichever is better."""
    orders = members, sorted(members, key=lambda job: int(part.rank[job]))
    return min(orders, key=lambda order: _tardiness(part, order, time))


def _tardiness(part: Decomposition, order: list[int], time: int) -> int:
    end = time + np.cumsum(part.duration[order])
    return int(np.maximum(0, end - part.due[order]).sum())


def _bit_numbers() -> Ints:
    numbers = np.zeros(64, np.int64)
    for bit in range(64):
        numbers[((int(_DE_BRUIJN) << bit) & (2**64 - 1)) >> 58] = bit
    return numbers


def grown(part: Decomposition) -> Decomposition:
    """Return the same recursion with a table of twice the size."""
    slots = 2 * len(part.key)
    larger = part._replace(
        key=np.full(slots, _EMPTY, np.int64),
        value=np.zeros(slots, np.int64),
        choice=np.zeros(slots, np.int32),
    )
    rehash(part.key, part.value, part.choice, larger.key, larger.value, larger.choice)
    larger.counter[STATE] = OPEN
    return larger


@njit
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
        if old_key[index] != _EMPTY:
            slot = _slot(key, old_key[index])
            key[slot] = old_key[index]
            value[slot] = old_value[index]
            choice[slot] = old_choice[index]


@njit
def _slot(key: Ints, wanted: int) -> int:
    """Slot that holds the key, or the empty one where it belongs."""
    mask = key.shape[0] - 1
    mixed = np.uint64(wanted) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    slot = np.int64(mixed >> np.uint64(20)) & mask
    while key[slot] != _EMPTY and key[slot] != wanted:
        slot = (slot + 1) & mask
    return slot


@njit
def _name(part: Decomposition, first: int, last: int, longest: int, time: int) -> int:
    shift = part.shift
    return (time << shift[2]) | (first << shift[1]) | (last << shift[0]) | longest


@njit
def find_slot(part: Decomposition, first: int, last: int, longest: int, time: int) -> int:
    """Slot of a part in the table."""
    return _slot(part.key, _name(part, first, last, longest, time))


@njit
def scan(part: Decomposition, first: int, last: int, longest: int, time: int) -> tuple[int, bool]:
    """Lower bound of a part's tardiness, and whether it is its least tardiness.

    Due date order is best when it leaves at most one job late, because it minimises the largest
    tardiness; duration order is best when it leaves no job early. Otherwise the k-th completion in
    duration order, which is the least there is, is matched with the k-th due date.
    """
    duration, due, rank, word = part.duration, part.due, part.rank, part.word
    top = rank[longest]
    for job in range(first, last + 1):
        if rank[job] <= top:
            word[rank[job] >> 6] |= np.uint64(1) << np.uint64(rank[job] & 63)
    by_due = first
    now = time
    soonest = time
    total, largest, matched, direct = 0, 0, 0, 0
    early = False
    for block in range((top >> 6) + 1):
        left = word[block]
        word[block] = 0
        while left != 0:
            lowest = left & (~left + np.uint64(1))
            left ^= lowest
            bit = part.bit[np.int64((lowest * _DE_BRUIJN) >> np.uint64(58))]
            job = part.by_rank[(block << 6) + bit]
            while rank[by_due] > top:
                by_due += 1
            soonest += duration[job]
            early |= soonest < due[job]
            direct += soonest - due[job]
            matched += max(0, soonest - due[by_due])
            now += duration[by_due]
            late = max(0, now - due[by_due])
            total += late
            largest = max(largest, late)
            by_due += 1
    if total == largest:
        return total, True
    if not early:
        return direct, True
    return max(largest, matched), False


@njit
def list_positions(
    part: Decomposition, first: int, last: int, longest: int, time: int, base: int
) -> int:
    """Write the positions that the longest job may take from row ``base`` on; return their end.

    Position k is skipped when the job due next would be late or just in time there anyway, or when
    a job between would do better behind the longest one.
    """
    duration, due, rank, position = part.duration, part.due, part.rank, part.position
    top = rank[longest]
    end = base
    now = time
    behind = -_MOST
    row_open = False
    left_first, left_last, left_longest = -1, -1, -1
    for job in range(first, last + 1):
        if rank[job] > top:
            continue
        if row_open and now < due[job] and behind <= now:
            end += 1
        now += duration[job]
        if job != longest:
            if left_first < 0:
                left_first = job
                left_longest = job
            elif rank[job] > rank[left_longest]:
                left_longest = job
            left_last = job
        if job >= longest:
            if job > longest and due[job] + duration[job] > behind:
                behind = due[job] + duration[job]
            row_open = True
            row = position[end]
            row[JOB] = job
            row[UNTIL] = now
            row[LEFT] = left_first
            row[LEFT + 1] = left_last
            row[LEFT + 2] = left_longest
            row[LOOKED] = 0
    if row_open and behind <= now:
        end += 1
    _fill_right(part, last, top, base, end)
    return end


@njit
def _fill_right(part: Decomposition, last: int, top: int, base: int, end: int) -> None:
    """Name the right sides of the positions in the rows from ``base`` to ``end``."""
    rank, position = part.rank, part.position
    first, final, longest = -1, -1, -1
    job = last
    for index in range(end - 1, base - 1, -1):
        row = position[index]
        while job > row[JOB]:
            if rank[job] < top:
                if final < 0:
                    final = job
                    longest = job
                elif rank[job] > rank[longest]:
                    longest = job
                first = job
            job -= 1
        row[RIGHT] = first
        row[RIGHT + 1] = final
        row[RIGHT + 2] = longest


@njit
def _look(part: Decomposition, first: int, last: int, longest: int, time: int) -> tuple[int, bool]:
    """Lower bound of a part's tardiness from the table or a scan, and whether it is exact."""
    if first < 0:
        return 0, True
    if first == last:
        return max(0, time + part.duration[first] - part.due[first]), True
    slot = _slot(part.key, _name(part, first, last, longest, time))
    if part.key[slot] != _EMPTY:
        return part.value[slot], True
    return scan(part, first, last, longest, time)


@njit
def _open(part: Decomposition, first: int, last: int, longest: int, time: int) -> None:
    """Put a part on top of the stack."""
    depth = part.counter[DEPTH]
    frame = part.frame[depth]
    frame[FIRST] = first
    frame[LAST] = last
    frame[LONGEST] = longest
    frame[TIME] = time
    frame[CURSOR] = _UNKNOWN
    part.counter[DEPTH] = depth + 1


@njit
def _try_position(part: Decomposition, frame: Ints, row: Ints) -> int:
    """Value of the part with its longest job at a position.

    Returns -1 when a side had to be opened first, and at least the best value when the position
    cannot be better. The row keeps what is known of both sides for the next look.
    """
    time, until = frame[TIME], row[UNTIL]
    if row[LOOKED] == 0:
        row[LEFT_BOUND], known = _look(part, row[LEFT], row[LEFT + 1], row[LEFT + 2], time)
        row[LOOKED] = 1 if known else 2
    late = max(0, until - part.due[frame[LONGEST]])
    if late + row[LEFT_BOUND] >= frame[BEST]:
        return frame[BEST]
    right, right_known = _look(part, row[RIGHT], row[RIGHT + 1], row[RIGHT + 2], until)
    value = row[LEFT_BOUND] + late + right
    if value >= frame[BEST]:
        return value
    if row[LOOKED] == 2:
        row[LOOKED] = 0
        _open(part, row[LEFT], row[LEFT + 1], row[LEFT + 2], time)
        return _UNKNOWN
    if not right_known:
        _open(part, row[RIGHT], row[RIGHT + 1], row[RIGHT + 2], until)
        return _UNKNOWN
    return value


@njit
def advance(part: Decomposition, steps: int) -> int:
    """Go on for about ``steps`` looks at a position; return how many were made.

    ``counter[STATE]`` tells afterwards whether it is ``OPEN``, ``DONE`` or waits with a ``FULL``
    table for a larger one (:func:`grown`).
    """
    counter = part.counter
    room = part.key.shape[0] // 4 * 3
    made = 0
    while made < steps and counter[DEPTH] > 0:
        if counter[USED] >= room:
            counter[STATE] = FULL
            return made
        made += 1
        depth = counter[DEPTH] - 1
        frame = part.frame[depth]
        if frame[CURSOR] == _UNKNOWN:
            base = 0 if depth == 0 else part.frame[depth - 1, BASE]
            first, last, longest = frame[FIRST], frame[LAST], frame[LONGEST]
            frame[BASE] = list_positions(part, first, last, longest, frame[TIME], base)
            frame[CURSOR] = base
            frame[BEST] = _MOST
        if frame[CURSOR] < frame[BASE]:
            row = part.position[frame[CURSOR]]
            value = _try_position(part, frame, row)
            if value != _UNKNOWN:
                frame[CURSOR] += 1
                if value < frame[BEST]:
                    frame[BEST] = value
                    frame[CHOICE] = row[JOB]
            continue
        name = _name(part, frame[FIRST], frame[LAST], frame[LONGEST], frame[TIME])
        slot = _slot(part.key, name)
        part.key[slot] = name
        part.value[slot] = frame[BEST]
        part.choice[slot] = frame[CHOICE]
        counter[USED] += 1
        counter[DEPTH] = depth
        counter[VALUE] = frame[BEST]
    if counter[DEPTH] == 0:
        counter[STATE] = DONE
    return made
