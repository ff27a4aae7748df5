"""Packing buffers below a capacity: a depth-first search over canonical solutions.

Buffers are placed by rising offset, each as low as those placed before it allow: every solution can
be pushed down into one of that form. Source: Moffitt, "MiniMalloc: A Lightweight Memory Allocator
for Hardware-Accelerated Machine Learning", ASPLOS 2023 (canonical solutions, sections, dominance,
decomposition).
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.memory.kernels.bounds import HUGE, lowest, raise_lower, settle, undo
from scheduling.solvers.memory.kernels.state import (
    ARENA,
    CHOOSE,
    DEPTH,
    DONE,
    F_ARENA,
    F_BUFFER,
    F_CEILING,
    F_COUNT,
    F_FLOOR,
    F_FLOOR_RANK,
    F_FREE,
    F_HATLESS,
    F_NEXT,
    F_OFFSET,
    F_OPENED,
    F_PARENT,
    F_RANK,
    F_SETTLED,
    F_START,
    FAIL,
    FAILED,
    FREE,
    MODE,
    NODES,
    NONE,
    OPEN,
    PENDING,
    STAMP,
    TRAIL,
    W_COUNT,
    W_FLOOR,
    W_NEXT,
    W_PARENT,
    W_RANK,
    W_START,
    Shape,
    State,
)

FULL = 5
"""Answer of :func:`run`: the trail has to grow before the search can go on."""


@njit.lean
def _open(shape: Shape, state: State, capacity: int) -> None:
    """Open a frame for the next component, or find that all are placed."""
    now, frame = state.now, state.frame
    entry = now[PENDING]
    if entry < 0:
        now[MODE] = DONE
        return
    now[DEPTH] += 1
    d = now[DEPTH]
    start, count = state.waiting[entry, W_START], state.waiting[entry, W_COUNT]
    frame[d, F_BUFFER] = -1
    frame[d, F_PARENT] = state.waiting[entry, W_PARENT]
    frame[d, F_FLOOR] = state.waiting[entry, W_FLOOR]
    frame[d, F_FLOOR_RANK] = state.waiting[entry, W_RANK]
    frame[d, F_NEXT] = state.waiting[entry, W_NEXT]
    frame[d, F_FREE], frame[d, F_ARENA] = now[FREE], now[ARENA]
    frame[d, F_OPENED] = now[TRAIL]
    frame[d, F_OFFSET], frame[d, F_RANK] = -1, -1
    frame[d, F_START], frame[d, F_COUNT] = start, count
    now[STAMP] += 1
    floor, ceiling = frame[d, F_FLOOR], HUGE
    low, high = len(state.queued), 0
    for k in range(start, start + count):
        j = state.arena[k]
        if d == 0:
            state.least[j] = lowest(shape, j, 0)
        low, high = min(low, shape.first[j]), max(high, shape.last[j])
        ceiling = min(ceiling, state.least[j] + shape.height[j])
        bound = max(floor, state.least[j])
        if bound > state.lower[j]:
            raise_lower(shape, state, j, bound)
    frame[d, F_CEILING] = ceiling
    if d == 0:
        state.queued[:] = 1
        low, high = 0, len(state.queued)
    fits = settle(shape, state, low, high, capacity)
    frame[d, F_SETTLED] = now[TRAIL]
    now[MODE] = CHOOSE
    if not fits:
        now[FAILED] = frame[d, F_PARENT]
        now[MODE] = FAIL


@njit.lean
def _choose(state: State) -> int:
    """Return the next buffer to try in the open frame; -1: none is left.

    A buffer is not placed above the top of one that could lie below it for ever.
    """
    frame, d = state.frame, state.now[DEPTH]
    start = frame[d, F_START]
    floor, floor_rank = frame[d, F_FLOOR], frame[d, F_FLOOR_RANK]
    tried, tried_rank = frame[d, F_OFFSET], frame[d, F_RANK]
    best, best_offset, best_rank = -1, frame[d, F_CEILING], HUGE
    for k in range(start, start + frame[d, F_COUNT]):
        j = state.arena[k]
        offset, rank = state.least[j], state.rank[j]
        if offset < state.lower[j] or offset < floor or offset > best_offset:
            continue
        if offset == frame[d, F_CEILING] or (offset == best_offset and rank > best_rank):
            continue
        if offset == floor and rank < floor_rank:
            continue
        if offset < tried or (offset == tried and rank <= tried_rank):
            continue
        best, best_offset, best_rank = j, offset, rank
    if best >= 0:
        frame[d, F_OFFSET], frame[d, F_RANK] = best_offset, best_rank
    return best


@njit.lean
def _place(shape: Shape, state: State, j: int) -> None:
    """Place a buffer at its lowest offset and split what is left of its component."""
    now, frame = state.now, state.frame
    d = now[DEPTH]
    offset = state.least[j]
    frame[d, F_BUFFER] = j
    state.placed[j], state.offset[j] = 1, offset
    hatless = 1
    for k in range(shape.near_ptr[j], shape.near_ptr[j + 1]):
        other = shape.near[k]
        if state.placed[other] or shape.fixed[other] >= 0:
            continue
        hatless = 0
        if state.least[other] < offset + shape.above[k]:
            state.trail[now[TRAIL], 0] = other
            state.trail[now[TRAIL], 1] = state.least[other]
            now[TRAIL] += 1
            state.least[other] = lowest(shape, other, offset + shape.above[k])
    frame[d, F_HATLESS] = hatless
    for k in range(shape.own_ptr[j], shape.own_ptr[j + 1]):
        state.queued[shape.own[k]] = 1
    now[PENDING] = frame[d, F_NEXT]
    _split(shape, state, d)
    now[MODE] = OPEN


@njit.lean
def _split(shape: Shape, state: State, d: int) -> None:
    """Let the unplaced buffers of a frame wait in components that share no section."""
    now, cuts = state.now, state.cuts
    start = state.frame[d, F_START]
    stop = start + state.frame[d, F_COUNT]
    low, high = len(cuts), 0
    for k in range(start, stop):
        j = state.arena[k]
        if not state.placed[j]:
            low, high = min(low, shape.first[j]), max(high, shape.last[j])
    if high == 0:
        return
    cuts[low : high + 1] = 0
    for k in range(start, stop):
        j = state.arena[k]
        if not state.placed[j] and shape.last[j] > shape.first[j] + 1:
            cuts[shape.first[j] + 1] += 1
            cuts[shape.last[j]] -= 1
    # A boundary that nothing crosses ends a component; each section learns the number of its own.
    crossing, number = 0, 0
    for section in range(low, high):
        crossing += cuts[section]
        if section > low and crossing == 0:
            number += 1
        cuts[section] = number
    for part in range(number + 1):
        begin = now[ARENA]
        for k in range(start, stop):
            j = state.arena[k]
            if not state.placed[j] and cuts[shape.first[j]] == part:
                state.arena[now[ARENA]] = j
                now[ARENA] += 1
        if now[ARENA] > begin:
            _wait(state, d, begin)


@njit.lean
def _wait(state: State, d: int, begin: int) -> None:
    """Let the buffers at the end of the arena wait as one component."""
    now = state.now
    entry = now[FREE]
    now[FREE] += 1
    state.waiting[entry, W_START] = begin
    state.waiting[entry, W_COUNT] = now[ARENA] - begin
    state.waiting[entry, W_NEXT] = now[PENDING]
    state.waiting[entry, W_PARENT] = d
    state.waiting[entry, W_FLOOR] = state.frame[d, F_OFFSET]
    state.waiting[entry, W_RANK] = state.frame[d, F_RANK]
    now[PENDING] = entry


@njit.lean
def _go_back(shape: Shape, state: State, capacity: int) -> None:
    """Undo everything after the choice that made the failed component, and that choice.

    Components that were placed in between have nothing to do with the failure.
    """
    now, frame = state.now, state.frame
    target = now[FAILED]
    while now[DEPTH] > max(target, -1):
        d = now[DEPTH]
        if frame[d, F_BUFFER] >= 0:
            state.placed[frame[d, F_BUFFER]] = 0
        undo(shape, state, frame[d, F_OPENED])
        now[DEPTH] -= 1
    if target < 0:
        now[MODE] = NONE
        return
    d = target
    j = frame[d, F_BUFFER]
    state.placed[j] = 0
    frame[d, F_BUFFER] = -1
    undo(shape, state, frame[d, F_SETTLED])
    now[FREE], now[ARENA] = frame[d, F_FREE], frame[d, F_ARENA]
    if frame[d, F_HATLESS] or not _refuted(shape, state, j, capacity):
        # Nothing that is left could have been in its way.
        now[FAILED] = frame[d, F_PARENT]
        now[MODE] = FAIL
        return
    frame[d, F_SETTLED] = now[TRAIL]
    now[MODE] = CHOOSE


@njit.lean
def _refuted(shape: Shape, state: State, j: int, capacity: int) -> bool:
    """Note that a buffer lies above an unplaced one; tell whether all may still fit."""
    least = HUGE
    for k in range(shape.near_ptr[j], shape.near_ptr[j + 1]):
        other = shape.near[k]
        if not state.placed[other]:
            least = min(least, state.lower[other] + shape.above[shape.mirror[k]])
    if least <= state.lower[j]:
        return True
    state.now[STAMP] += 1
    raise_lower(shape, state, j, least)
    d = state.now[DEPTH]
    low, high = shape.first[j], shape.last[j]
    start = state.frame[d, F_START]
    for k in range(start, start + state.frame[d, F_COUNT]):
        member = state.arena[k]
        low, high = min(low, shape.first[member]), max(high, shape.last[member])
    return settle(shape, state, low, high, capacity)


@njit.entry
def run(shape: Shape, state: State, capacity: int, nodes: int) -> int:
    """Go on with a search until it ends or ``nodes`` more buffers were placed.

    Returns
    -------
    int
        ``DONE``: all buffers are placed. ``NONE``: they do not fit below the capacity. ``FULL``:
        the trail has to grow. ``CHOOSE``: the nodes are used up.
    """
    now = state.now
    room = len(state.trail) - 3 * len(shape.height) - 2
    spent = 0
    while True:
        mode = now[MODE]
        if mode in (DONE, NONE):
            return mode
        if mode == OPEN:
            if now[TRAIL] > room:
                return FULL
            _open(shape, state, capacity)
        elif mode == CHOOSE:
            if spent >= nodes:
                return CHOOSE
            j = _choose(state)
            if j < 0:
                now[FAILED] = state.frame[now[DEPTH], F_PARENT]
                now[MODE] = FAIL
                continue
            spent += 1
            now[NODES] += 1
            _place(shape, state, j)
        else:
            _go_back(shape, state, capacity)
