"""The gaps that a solver may decide on, and the room that is left for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.caching.arrays import NEVER, CachingArrays, Flags, Ints


@dataclass(frozen=True, eq=False)
class OpenGaps:
    """What is to be decided.

    Attributes
    ----------
    gaps
        Numbers of the gaps that fit by themselves and can save something or let others do so.
    room
        Room at each time that pinned objects leave.
    saved
        Cost that pinned objects save in any case.
    links
        Pairs of positions in ``gaps``: the first is of use only with the second, shape (k, 2).
    """

    gaps: Ints
    room: Ints
    saved: int
    links: Ints


def open_gaps(arrays: CachingArrays) -> OpenGaps:
    """Find the gaps to decide on."""
    room = arrays.room - arrays.load(arrays.forced)
    able = ~arrays.forced & (arrays.before != NEVER)
    able &= arrays.size <= _least_room(arrays, room)
    fine = able | arrays.forced
    for layer in arrays.layers()[1:]:
        fine[layer] &= fine[arrays.before[layer]]
    gaps = np.flatnonzero(fine & ~arrays.forced)
    place = np.full(arrays.n_gaps, -1, np.int64)
    place[gaps] = np.arange(len(gaps))
    before = arrays.before[gaps]
    linked = np.flatnonzero(before >= 0)
    links = np.column_stack((linked, place[before[linked]]))
    saved = int(arrays.gain[arrays.useful(arrays.forced)].sum())
    return OpenGaps(gaps, room, saved, links[links[:, 1] >= 0])


def _least_room(arrays: CachingArrays, room: Ints) -> Ints:
    """Return the least room during each gap."""
    if not arrays.n_gaps:
        return np.zeros(0, np.int64)
    spans = np.column_stack((arrays.first, arrays.end)).ravel()
    found: Ints = np.minimum.reduceat(np.append(room, room[-1:]), spans)[::2]
    return found


def density(arrays: CachingArrays) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the saving of each gap by the room and time that it takes."""
    return np.asarray(arrays.gain / (arrays.size * (arrays.end - arrays.first)))


def fill(arrays: CachingArrays, keys: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Flags:
    """Keep gaps by falling keys where they fit; those of a chain from the first on.

    Parameters
    ----------
    arrays
        The problem.
    keys
        How good it is to keep each gap; that of a gap counts no more than those before it.
    """
    found = open_gaps(arrays)
    keys = keys.copy()
    for layer in arrays.layers()[1:]:
        keys[layer] = np.minimum(keys[layer], keys[arrays.before[layer]])
    room = found.room.copy()
    kept = arrays.forced.copy()
    order = found.gaps[np.lexsort((arrays.depth[found.gaps], -keys[found.gaps]))]
    columns = (arrays.first, arrays.end, arrays.size, arrays.before)
    rows = zip(order.tolist(), *(column[order].tolist() for column in columns), strict=True)
    for gap, first, end, size, before in rows:
        if before >= 0 and not kept[before]:
            continue
        part = room[first:end]
        if part.min() >= size:
            part -= size
            kept[gap] = True
    return kept
