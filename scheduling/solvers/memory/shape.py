"""From the arrays of a memory problem to what its kernels take."""

from __future__ import annotations

import numpy as np

from scheduling.models.memory.arrays import Ints, MemoryArrays
from scheduling.solvers.memory.kernels.state import Shape

MOST_PAIRS = 20_000_000
"""Most pairs of blocks that are live together, counted once for each section."""


def n_pairs(arrays: MemoryArrays) -> int:
    """Count the pairs of blocks of all sections."""
    return int((np.diff(arrays.live_ptr) ** 2).sum())


def shape_of(arrays: MemoryArrays) -> Shape:
    """Find the sections of each block and the blocks that each meets."""
    n = arrays.n_blocks
    counts = np.diff(arrays.live_ptr)
    section = np.repeat(np.arange(arrays.n_sections), counts)
    by_block = np.argsort(arrays.live, kind="stable")
    own = section[by_block]
    own_ptr = _starts(arrays.live, n)
    near_ptr, near, above, mirror = _meetings(arrays)
    return Shape(
        height=arrays.height,
        alignment=arrays.alignment,
        fixed=arrays.fixed,
        first=own[own_ptr[:-1]],
        last=own[own_ptr[1:] - 1] + 1,
        own_ptr=own_ptr,
        own=own,
        live_ptr=arrays.live_ptr,
        live=arrays.live,
        size=arrays.size,
        near_ptr=near_ptr,
        near=near,
        above=above,
        mirror=mirror,
    )


def _starts(rows: Ints, n: int) -> Ints:
    """Return where the entries of each row start when they are sorted by row."""
    return np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=n)))).astype(np.int64)


def _meetings(arrays: MemoryArrays) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the blocks that each meets, its largest size there, and the way back."""
    n = arrays.n_blocks
    keys, sizes = [], []
    for start, stop in zip(arrays.live_ptr, arrays.live_ptr[1:], strict=False):
        live, size = arrays.live[start:stop], arrays.size[start:stop]
        keys.append((live[:, None] * n + live[None, :]).ravel())
        sizes.append(np.repeat(size, len(live)))
    key, size = np.concatenate(keys), np.concatenate(sizes)
    order = np.lexsort((size, key))
    key, size = key[order], size[order]
    # The last entry of equal ones has the largest size.
    last = np.append(key[1:] != key[:-1], True) & (key // n != key % n)
    key, size = key[last], size[last]
    mirror = np.searchsorted(key, key % n * n + key // n)
    return _starts(key // n, n), key % n, size, mirror.astype(np.int64)
