"""Random buffers that are known to fit: a strip cut into rectangles."""

from __future__ import annotations

import numpy as np

from scheduling.models.memory.problem import Buffer, MemoryProblem


def tensor_buffers(
    *, buffers: int = 100, times: int = 200, capacity: int = 1024, waste: float = 0.0, seed: int = 0
) -> MemoryProblem:
    """Generate buffers by cutting a strip of times and bytes by guillotine cuts.

    They fill the strip, so that the capacity is the least height, except for buffers that are
    dropped again.

    Parameters
    ----------
    buffers
        Number of rectangles that the strip is cut into.
    times
        Length of the strip.
    capacity
        Its height in KiB.
    waste
        Share of the buffers that are dropped.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    found = [(0, times, capacity)]
    while len(found) < buffers:
        sizes = np.array([(end - start) * size for start, end, size in found], float)
        sizes[[(end - start == 1 and size == 1) for start, end, size in found]] = 0.0
        if not sizes.any():
            break
        start, end, size = found.pop(int(rng.choice(len(found), p=sizes / sizes.sum())))
        across = end - start > 1 and (size == 1 or rng.random() < _ACROSS)
        if across:
            cut = int(rng.integers(start + 1, end))
            found += [(start, cut, size), (cut, end, size)]
        else:
            cut = int(rng.integers(1, size))
            found += [(start, end, cut), (start, end, size - cut)]
    kept = [part for part in found if rng.random() >= waste] or found[:1]
    order = rng.permutation(len(kept))
    return MemoryProblem(
        name=f"buffers-{buffers}-s{seed}",
        capacity=capacity * _KIB,
        buffers=tuple(
            Buffer(id=f"b{number:04d}", start=kept[k][0], end=kept[k][1], size=kept[k][2] * _KIB)
            for number, k in enumerate(order)
        ),
    )


_ACROSS = 0.6
"""Share of cuts across time, so that lifetimes are short beside the whole."""

_KIB = 1024
