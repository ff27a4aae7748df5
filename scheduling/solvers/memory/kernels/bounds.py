"""Lower bounds of the offsets that buffers may still have, tightened section by section.

A section is a time at which the same buffers are live. Its bounds are those of one machine with
heads and a common deadline. Raised bounds are noted in a trail, so that they can be taken back.
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.memory.kernels.state import (
    STAMP,
    TRAIL,
    Shape,
    State,
)

HUGE = 1 << 60


@njit.lean
def lowest(shape: Shape, j: int, offset: int) -> int:
    """Return the lowest aligned offset from ``offset`` on that is free of fixed buffers."""
    step = shape.alignment[j]
    offset = -(-offset // step) * step
    again = True
    while again:
        again = False
        for k in range(shape.near_ptr[j], shape.near_ptr[j + 1]):
            other = shape.near[k]
            base = shape.fixed[other]
            if base < 0 or base + shape.above[shape.mirror[k]] <= offset:
                continue
            if offset + shape.above[k] > base:
                offset = -(-(base + shape.above[shape.mirror[k]]) // step) * step
                again = True
    return offset


@njit.lean
def raise_lower(shape: Shape, state: State, j: int, value: int) -> None:
    """Raise a lower bound, note what it was, and have its sections looked at."""
    now = state.now
    if state.stamp[j] != now[STAMP]:
        state.stamp[j] = now[STAMP]
        state.trail[now[TRAIL], 0] = j + len(shape.height)
        state.trail[now[TRAIL], 1] = state.lower[j]
        now[TRAIL] += 1
    state.lower[j] = value
    for k in range(shape.own_ptr[j], shape.own_ptr[j + 1]):
        state.queued[shape.own[k]] = 1


@njit.lean
def undo(shape: Shape, state: State, mark: int) -> None:
    """Take back the bounds that were raised since the trail was as long as ``mark``."""
    n = len(shape.height)
    now = state.now
    while now[TRAIL] > mark:
        now[TRAIL] -= 1
        j = state.trail[now[TRAIL], 0]
        if j < n:
            state.least[j] = state.trail[now[TRAIL], 1]
        else:
            state.lower[j - n] = state.trail[now[TRAIL], 1]


@njit.lean
def _look_at(shape: Shape, state: State, section: int, capacity: int) -> bool:
    """Tighten the bounds of one section; tell whether its buffers may still fit."""
    row, lower = state.row, state.lower
    start, stop = shape.live_ptr[section], shape.live_ptr[section + 1]
    total = 0
    for place in range(start, stop):
        entry = row[place]
        low = lower[shape.live[entry]]
        if not state.placed[shape.live[entry]]:
            total += shape.size[entry]
        back = place
        while back > start and lower[shape.live[row[back - 1]]] > low:
            row[back] = row[back - 1]
            back -= 1
        row[back] = entry
    # Only what may lie below all others can be the lowest; the rest lies above one of those.
    top = capacity - total
    least = HUGE
    behind = total
    for place in range(start, stop):
        entry = row[place]
        j = shape.live[entry]
        if state.placed[j]:
            continue
        low = lower[j]
        if low + behind > capacity:
            _blame(shape, state, place, stop)
            return False
        behind -= shape.size[entry]
        if low <= top:
            least = min(least, low + shape.size[entry])
        elif low < least:
            raise_lower(shape, state, j, least)
            if least + shape.size[entry] > capacity or 0 <= shape.fixed[j] < least:
                state.blame[j] += 1
                return False
    return True


@njit.lean
def _blame(shape: Shape, state: State, start: int, stop: int) -> None:
    for place in range(start, stop):
        j = shape.live[state.row[place]]
        if not state.placed[j]:
            state.blame[j] += 1


@njit.lean
def settle(shape: Shape, state: State, low: int, high: int, capacity: int) -> bool:
    """Tighten all bounds of sections ``low <= s < high``; tell whether they may still fit."""
    fits = True
    again = True
    while again and fits:
        again = False
        for section in range(low, high):
            if not state.queued[section]:
                continue
            state.queued[section] = 0
            if not _look_at(shape, state, section, capacity):
                fits = False
                break
            again = True
    if not fits:
        state.queued[low:high] = 0
    return fits
