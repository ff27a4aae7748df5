"""First fit: each block in a given order at the lowest offset that is free."""

from __future__ import annotations

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.memory.kernels.state import Ints, Shape


@njit.entry
def first_fit(shape: Shape, order: Ints, offset: Ints) -> None:
    """Fill in the offsets.

    Parameters
    ----------
    shape
        The problem.
    order
        (n,) blocks in the order in which they are placed; fixed ones lie there before.
    offset
        (n,) filled in.
    """
    n = len(shape.height)
    placed = np.zeros(n, np.bool_)
    base = np.empty(n, np.int64)
    entry = np.empty(n, np.int64)
    for j in range(n):
        if shape.fixed[j] >= 0:
            offset[j] = shape.fixed[j]
            placed[j] = True
    for j in order:
        if placed[j]:
            continue
        count = 0
        for k in range(shape.near_ptr[j], shape.near_ptr[j + 1]):
            if placed[shape.near[k]]:
                base[count], entry[count] = offset[shape.near[k]], k
                count += 1
        by_base = np.argsort(base[:count])
        step, low = shape.alignment[j], 0
        moved = True
        while moved:
            moved = False
            for place in by_base:
                k = entry[place]
                top = base[place] + shape.above[shape.mirror[k]]
                if low + shape.above[k] > base[place] and top > low:
                    low = -(-top // step) * step
                    moved = True
        offset[j] = low
        placed[j] = True
