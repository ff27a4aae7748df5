"""What the packing search knows: the shape of a problem, and the state that it goes through."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DEPTH, TRAIL, PENDING, FREE, ARENA, NODES, MODE, FAILED, STAMP = range(9)
"""Cells of :attr:`State.now`."""

OPEN, CHOOSE, FAIL, DONE, NONE = range(5)
"""Modes: open the next component, choose in a frame, go back, all placed, nothing fits."""

(
    F_BUFFER,
    F_PARENT,
    F_FLOOR,
    F_FLOOR_RANK,
    F_NEXT,
    F_FREE,
    F_ARENA,
    F_OPENED,
    F_SETTLED,
    F_OFFSET,
    F_RANK,
    F_CEILING,
    F_START,
    F_COUNT,
    F_HATLESS,
) = range(15)
"""Columns of :attr:`State.frame`."""

W_START, W_COUNT, W_NEXT, W_PARENT, W_FLOOR, W_RANK = range(6)
"""Columns of :attr:`State.waiting`."""


class Shape(NamedTuple):
    """A problem for the kernels.

    A section is a time at which a largest set of buffers is live. Lists are kept as rows of unequal
    length: entry ``k`` of row ``i`` stands at ``ptr[i] + k``.

    Attributes
    ----------
    height
        (n,) largest size of a buffer.
    alignment
        (n,) its offset is a multiple of this.
    fixed
        (n,) offset that is given; -1: free.
    first, last
        (n,) its sections lie in ``first <= section < last``.
    own_ptr, own
        Sections of each buffer.
    live_ptr, live, size
        Buffers of each section, and the size that each has there.
    near_ptr, near, above
        Buffers that share a section with each, and the size that it has below them.
    mirror
        Where, for each entry of ``near``, the entry of the other way round stands.
    """

    height: Ints
    alignment: Ints
    fixed: Ints
    first: Ints
    last: Ints
    own_ptr: Ints
    own: Ints
    live_ptr: Ints
    live: Ints
    size: Ints
    near_ptr: Ints
    near: Ints
    above: Ints
    mirror: Ints


class State(NamedTuple):
    """A search that can be stopped and continued.

    Frames are the choices on the path, one placed buffer each. Components wait to be placed; they
    are chained, so that going back restores the chain.

    Attributes
    ----------
    now
        Scalars.
    rank
        (n,) place of each buffer in the order in which equally low ones are tried.
    offset, placed
        (n,) offsets, valid where ``placed`` is 1.
    least
        (n,) lowest offset above everything placed that it shares a section with.
    lower
        (n,) lower bound on its offset in any solution below the current choices.
    blame
        (n,) number of times that a bound failed at it.
    row
        Entries of each section, nearly sorted by ``lower``: it changes little from look to look.
    """

    now: Ints
    rank: Ints
    offset: Ints
    placed: Ints
    least: Ints
    lower: Ints
    blame: Ints
    stamp: Ints
    frame: Ints
    trail: Ints
    waiting: Ints
    arena: Ints
    queue: Ints
    queued: Ints
    row: Ints
    cuts: Ints


def new_state(shape: Shape, rank: Ints) -> State:
    """Return the state before the first choice.

    Parameters
    ----------
    shape
        The problem.
    rank
        (n,) place of each buffer in the order in which equally low ones are tried.
    """
    n, sections = len(shape.height), len(shape.live_ptr) - 1
    free = np.flatnonzero(shape.fixed < 0)
    arena = np.zeros(n * (n + 3) // 2 + n + 1, np.int64)
    arena[: len(free)] = free
    waiting = np.zeros((2 * n + 4, 6), np.int64)
    waiting[0] = (0, len(free), -1, -1, 0, -1)
    now = np.zeros(9, np.int64)
    now[DEPTH], now[PENDING], now[FREE], now[ARENA] = -1, 0, 1, len(free)
    least = np.maximum(shape.fixed, 0)
    return State(
        now=now,
        rank=rank,
        offset=least.copy(),
        placed=np.zeros(n, np.int64),
        least=least,
        lower=least.copy(),
        blame=np.zeros(n, np.int64),
        stamp=np.full(n, -1, np.int64),
        frame=np.zeros((n + 2, 15), np.int64),
        trail=np.zeros((len(shape.near) + 4 * n + 64, 2), np.int64),
        waiting=waiting,
        arena=arena,
        queue=np.zeros(sections + 1, np.int64),
        queued=np.zeros(sections, np.int64),
        row=np.arange(len(shape.live)),
        cuts=np.zeros(sections + 2, np.int64),
    )


def with_longer_trail(state: State) -> State:
    """Return the state with room for twice as many changes to undo."""
    return state._replace(trail=np.concatenate((state.trail, np.zeros_like(state.trail))))
