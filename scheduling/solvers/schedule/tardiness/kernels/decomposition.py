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

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.tardiness.kernels.parts import (
    BASE,
    BEST,
    CHOICE,
    CURSOR,
    DE_BRUIJN,
    DEPTH,
    DONE,
    EMPTY,
    FIRST,
    FULL,
    JOB,
    LAST,
    LEFT,
    LEFT_BOUND,
    LONGEST,
    LOOKED,
    RIGHT,
    STATE,
    TIME,
    UNKNOWN,
    UNTIL,
    USED,
    VALUE,
    Decomposition,
    Ints,
    find_slot,
    name_of,
    slot_of,
)

_MOST = 1 << 62


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
        if part.key[slot] == EMPTY:
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


@njit.lean
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
            bit = part.bit[np.int64((lowest * DE_BRUIJN) >> np.uint64(58))]
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


@njit.lean
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


@njit.lean
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


@njit.lean
def _look(part: Decomposition, first: int, last: int, longest: int, time: int) -> tuple[int, bool]:
    """Lower bound of a part's tardiness from the table or a scan, and whether it is exact."""
    if first < 0:
        return 0, True
    if first == last:
        return max(0, time + part.duration[first] - part.due[first]), True
    slot = slot_of(part.key, name_of(part, first, last, longest, time))
    if part.key[slot] != EMPTY:
        return part.value[slot], True
    return scan(part, first, last, longest, time)


@njit.lean
def _open(part: Decomposition, first: int, last: int, longest: int, time: int) -> None:
    """Put a part on top of the stack."""
    depth = part.counter[DEPTH]
    frame = part.frame[depth]
    frame[FIRST] = first
    frame[LAST] = last
    frame[LONGEST] = longest
    frame[TIME] = time
    frame[CURSOR] = UNKNOWN
    part.counter[DEPTH] = depth + 1


@njit.lean
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
        return UNKNOWN
    if not right_known:
        _open(part, row[RIGHT], row[RIGHT + 1], row[RIGHT + 2], until)
        return UNKNOWN
    return value


@njit.lean_entry
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
        if frame[CURSOR] == UNKNOWN:
            base = 0 if depth == 0 else part.frame[depth - 1, BASE]
            first, last, longest = frame[FIRST], frame[LAST], frame[LONGEST]
            frame[BASE] = list_positions(part, first, last, longest, frame[TIME], base)
            frame[CURSOR] = base
            frame[BEST] = _MOST
        if frame[CURSOR] < frame[BASE]:
            row = part.position[frame[CURSOR]]
            value = _try_position(part, frame, row)
            if value != UNKNOWN:
                frame[CURSOR] += 1
                if value < frame[BEST]:
                    frame[BEST] = value
                    frame[CHOICE] = row[JOB]
            continue
        name = name_of(part, frame[FIRST], frame[LAST], frame[LONGEST], frame[TIME])
        slot = slot_of(part.key, name)
        part.key[slot] = name
        part.value[slot] = frame[BEST]
        part.choice[slot] = frame[CHOICE]
        counter[USED] += 1
        counter[DEPTH] = depth
        counter[VALUE] = frame[BEST]
    if counter[DEPTH] == 0:
        counter[STATE] = DONE
    return made
