"""The compiled rows of Lawler's dynamic program. Importing this module loads numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Bits = NDArray[np.uint64]

NEVER = 2**61
"""Time at which what cannot be done has ended; two of them still are an integer."""


@njit.entry
def busy_row(a: int, release: Ints, least: Ints, busy: Ints, first: Small) -> None:
    """Fill ``busy[a]``: the least time that sets of each weight take between two releases.

    ``busy[a, b, w]`` is that of sets of weight ``w`` which are released at ``release[a]`` or later
    and have ended at ``release[b]``. Their first block is released at ``release[a]``, has weight
    ``first[a, b, w]`` and ends as early as ``least`` says; the others begin with a release behind
    that. Rows behind ``a`` are filled.
    """
    k, width = least.shape
    busy[a, a, 0] = 0
    for b in range(a + 1, k):
        for w in range(width):
            busy[a, b, w] = busy[a + 1, b, w]
            first[a, b, w] = 0
    for weight in range(1, width):
        end = least[a, weight]
        if end >= NEVER or (a + 1 < k and least[a + 1, weight] <= end):
            continue
        follows = np.searchsorted(release, end)
        for b in range(follows, k):
            for w in range(weight, width):
                taken = end - release[a] + busy[follows, b, w - weight]
                if taken < busy[a, b, w]:
                    busy[a, b, w] = taken
                    first[a, b, w] = weight


@njit.entry
def take_row(
    a: int,
    job: tuple[int, int, int, int, int],
    release: Ints,
    least: Ints,
    sets: Bits,
    busy: Ints,
    first: Small,
) -> None:
    """Let one more job be taken in ``least[a]``: it runs where those before it leave room.

    ``least[a, w]`` is the earliest end of the sets of weight ``w`` that are released at
    ``release[a]`` or later, and ``sets[a, w]`` is such a set, a bit a job. ``job`` is its number,
    the row of its release, its work, due time and weight; it is due no earlier than all before it,
    so that it gives way to them. Where the last block of the others begins later than it is
    released, it uses what the blocks before leave, which is most where they are ``busy`` least.
    """
    number, own, work, due, gain = job
    k, width = least.shape
    ends, last, inner = least[a].copy(), np.zeros(width, np.int32), np.zeros(width, np.int32)
    for weight in range(width - gain):
        before = least[a, weight] if weight else release[own]
        end = max(release[own], before) + work
        if end <= due and end < ends[weight + gain]:
            ends[weight + gain], last[weight + gain] = end, own
    between, head = _between(a, own, release, least, busy)
    for b in range(own + 1, k):
        for weight in range(1, width - gain):
            if least[b, weight] >= NEVER:
                continue
            for w in range(width - gain - weight):
                left = work - (release[b] - release[own] - between[b, w])
                end = least[b, weight] + max(0, left)
                place = weight + w + gain
                if end <= due and end < ends[place]:
                    ends[place], last[place], inner[place] = end, b, w
    # From the greatest weight down, so that sets of lesser ones are still those without the job.
    for w in range(width - 1, gain - 1, -1):
        if ends[w] >= least[a, w]:
            continue
        if last[w] == own:
            copy(sets[a, w], sets[a, w - gain])
        else:
            b = last[w]
            copy(sets[a, w], sets[b, w - gain - inner[w]])
            _join(a, own, b, inner[w], head, release, least, first, sets, w)
        sets[a, w, number // 64] |= np.uint64(1) << np.uint64(number % 64)
    copy(least[a], ends)


@njit.inner
def _between(a: int, own: int, release: Ints, least: Ints, busy: Ints) -> tuple[Ints, Small]:
    """Return the least time that sets released from ``a`` on take between ``own`` and each row.

    A block of weight ``head`` that begins before ``own`` counts from there on.
    """
    k, width = least.shape
    found = busy[own].copy()
    head = np.zeros((k, width), np.int32)
    if a == own:
        return found, head
    for weight in range(1, width):
        end = least[a, weight]
        if end >= NEVER or least[own, weight] <= end:
            continue
        reached = max(end, release[own])
        follows = np.searchsorted(release, reached)
        for b in range(follows, k):
            for w in range(weight, width):
                taken = reached - release[own] + busy[follows, b, w - weight]
                if taken < found[b, w]:
                    found[b, w], head[b, w] = taken, weight
    return found, head


@njit.lean
def _join(
    a: int,
    own: int,
    b: int,
    weight: int,
    head: Small,
    release: Ints,
    least: Ints,
    first: Small,
    sets: Bits,
    into: int,
) -> None:
    """Join to ``sets[a, into]`` the blocks of a weight that end before row ``b``."""
    row, left = own, weight
    if head[b, left]:
        block = head[b, left]
        _add(sets[a, into], sets[a, block])
        row = np.searchsorted(release, max(release[own], least[a, block]))
        left -= block
    while left:
        block = first[row, b, left]
        if block == 0:
            row += 1
            continue
        _add(sets[a, into], sets[row, block])
        row = np.searchsorted(release, least[row, block])
        left -= block


@njit.lean
def _add(to: Bits, found: Bits) -> None:
    """Add to a set what another has."""
    for word in range(len(found)):
        to[word] |= found[word]
