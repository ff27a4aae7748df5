"""The best pattern of a node for every cell of its grid, by dynamic programming.

A pattern is a number of items for each way. Items that stand there now are worth their class's
price and what their stay saves; each is taken at most once. Arrivals are worth the price alone, and
any number may come, so that the best value is a bound also where there are fewer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEVER = -1e30
_LEAST_GAIN = 1e-12


@njit.lean
def fill(
    reach: Flags,
    offset: Ints,
    stay: Ints,
    open_to: Flags,
    worth: Floats,
    saved: Floats,
    first: int,
    value: Floats,
    taken: Flags,
) -> int:
    """Fill in the best value of every cell; return the number of passes.

    Parameters
    ----------
    reach, offset, open_to
        Of the shape: (W, cells) cells that an item of a way may lead to, and the others.
    stay
        (W,) items that may stay or go, by way.
    worth, saved
        (W,) value of an item, and what is saved in addition when it stays.
    first
        Cell of the items that must stay.
    value
        (cells,) filled with the best value of exactly that cell.
    taken
        (passes, cells) filled with whether a pass took an item to reach a cell.
    """
    cells = value.shape[0]
    value[:] = NEVER
    value[first] = 0.0
    passes = 0
    for way in range(offset.shape[0]):
        step = offset[way]
        gain = worth[way] + saved[way]
        for _ in range(stay[way]):
            for cell in range(cells - 1, -1, -1):
                better = reach[way, cell] and value[cell - step] + gain > value[cell] + _LEAST_GAIN
                taken[passes, cell] = better
                if better:
                    value[cell] = value[cell - step] + gain
            passes += 1
        if open_to[way]:
            gain = worth[way]
            for cell in range(cells):
                better = reach[way, cell] and value[cell - step] + gain > value[cell] + _LEAST_GAIN
                taken[passes, cell] = better
                if better:
                    value[cell] = value[cell - step] + gain
            passes += 1
    return passes


@njit.inner
def trace(
    cell: int,
    offset: Ints,
    stay: Ints,
    open_to: Flags,
    held: Ints,
    taken: Flags,
    passes: int,
    pattern: Ints,
) -> None:
    """Read the best pattern of a cell off the passes, items that must stay included."""
    copy(pattern, held)
    passes -= 1
    for way in range(offset.shape[0] - 1, -1, -1):
        if open_to[way]:
            while taken[passes, cell]:
                pattern[way] += 1
                cell -= offset[way]
            passes -= 1
        for _ in range(stay[way]):
            if taken[passes, cell]:
                pattern[way] += 1
                cell -= offset[way]
            passes -= 1


@njit.entry
def price(
    reach: Flags,
    offset: Ints,
    open_to: Flags,
    stay: Ints,
    held: Ints,
    worth: Floats,
    saved: Floats,
    cost: Floats,
    level: Ints,
    best: Floats,
    patterns: Ints,
    taken: Flags,
) -> None:
    """Find the best pattern of each level for groups of one shape.

    Parameters
    ----------
    stay, held
        (G, W) items that may stay or go, and that must stay, by group.
    cost, level
        (cells,) cost of a cell, and the level that it belongs to.
    best
        (G, levels) filled with the least of cost less value.
    patterns
        (G, levels, W) filled with the pattern that attains it.
    """
    levels = best.shape[1]
    value = np.empty(cost.shape[0])
    chosen = np.empty(levels, np.int64)
    for group in range(stay.shape[0]):
        first = 0
        for way in range(offset.shape[0]):
            first += held[group, way] * offset[way]
        passes = fill(reach, offset, stay[group], open_to, worth, saved, first, value, taken)
        best[group] = -NEVER
        chosen[:] = -1
        for cell in range(cost.shape[0]):
            if value[cell] > 0.5 * NEVER and cost[cell] - value[cell] < best[group, level[cell]]:
                best[group, level[cell]] = cost[cell] - value[cell]
                chosen[level[cell]] = cell
        for number in range(levels):
            if chosen[number] >= 0:
                trace(
                    chosen[number],
                    offset,
                    stay[group],
                    open_to,
                    held[group],
                    taken,
                    passes,
                    patterns[group, number],
                )
