"""Annealing over the machine sequences of shops without buffers, in one resumable loop.

Cycles of falling temperature, each twice as long as the one before, start from the best schedule
of all. Every move turns one critical arc, see :mod:`.blocking_moves`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.blocking_graph import (
    INFEASIBLE,
    KEPT,
    KEPT_PLACE,
    MAKESPAN,
    MAX_LATENESS,
    PLACE,
    SEQUENCE,
    TIME,
    TRIAL,
    BlockingShop,
    IntArray,
    WordArray,
    earliest_times,
    value_of,
)
from scheduling.solvers.schedule.kernels.blocking_moves import (
    draw_critical,
    move_before,
    move_behind,
)
from scheduling.solvers.schedule.kernels.jobshop_graph import next_random, random_below

#: Entries of ``Annealing.counters``: present and best value, moves made in the cycle, its length.
CURRENT, BEST, STEP, LENGTH = range(4)

#: Temperatures at the start and at the end of a cycle, in mean durations of a task.
HOT, COLD = 0.6, 0.1

#: Moves of the first cycle.
FIRST_CYCLE = 50_000


class Annealing(NamedTuple):
    """Everything that a search remembers; made by :func:`make_annealing`.

    Attributes
    ----------
    at, order
        Tables of moments and of tasks, see ``blocking_graph``.
    best_sequence, best_time
        Machine sequences and times of moments of the best schedule.
    counters
        Scalars, see the index names of this module.
    heat
        Temperatures at the start and at the end of a cycle.
    rng
        State of the random generator, one word.
    """

    at: IntArray
    order: IntArray
    best_sequence: IntArray
    best_time: IntArray
    counters: IntArray
    heat: NDArray[np.float64]
    rng: WordArray


def make_annealing(shop: BlockingShop, seed: int, scale: float) -> Annealing:
    """Allocate a search that has not yet looked at any schedule.

    Parameters
    ----------
    seed
        Any integer; equal seeds give equal searches.
    scale
        What a mean duration costs, the unit of temperatures.
    """
    n, count = shop.tasks.shape[1], shop.moments.shape[1]
    word = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    return Annealing(
        at=np.zeros((5, count), np.int64),
        order=np.zeros((5, n), np.int64),
        best_sequence=np.zeros(int(shop.machine_ptr[-1]), np.int64),
        best_time=np.zeros(count, np.int64),
        counters=np.array([INFEASIBLE, INFEASIBLE, 0, FIRST_CYCLE], np.int64),
        heat=np.array([HOT * scale, COLD * scale], np.float64),
        rng=np.array([word or 1], dtype=np.uint64),
    )


@njit.lean
def _keep(search: Annealing, value: int) -> None:
    """Make the schedule on trial the present one."""
    at, order, counters = search.at, search.order, search.counters
    for v in range(at.shape[1]):
        at[TIME, v] = at[TRIAL, v]
    for task in range(order.shape[1]):
        order[KEPT, task] = order[SEQUENCE, task]
        order[KEPT_PLACE, task] = order[PLACE, task]
    counters[CURRENT] = value
    if value < counters[BEST]:
        counters[BEST] = value
        for place in range(search.best_sequence.shape[0]):
            search.best_sequence[place] = order[SEQUENCE, place]
        for v in range(at.shape[1]):
            search.best_time[v] = at[TIME, v]


@njit.lean
def _restore(order: IntArray) -> None:
    """Take the trial back."""
    for task in range(order.shape[1]):
        order[SEQUENCE, task] = order[KEPT, task]
        order[PLACE, task] = order[KEPT_PLACE, task]


@njit.entry
def start_from(shop: BlockingShop, search: Annealing, sequence: IntArray) -> bool:
    """Go on from a schedule given by its machine sequences; False if these cannot be kept."""
    order = search.order
    for place in range(sequence.shape[0]):
        order[SEQUENCE, place] = sequence[place]
        order[PLACE, sequence[place]] = place
    if not earliest_times(shop, search.at, order, INFEASIBLE):
        _restore(order)
        return False
    _keep(search, value_of(shop, search.at))
    return True


@njit.inner
def _move(shop: BlockingShop, search: Annealing, task: int, ceiling: int) -> int:
    """Turn the arc into a task, one way or the other; value if at most ``ceiling``."""
    at, order, tier = search.at, search.order, shop.tier
    other = order[SEQUENCE, order[PLACE, task] - 1]
    if random_below(search.rng, 2) == 0:
        move_before(shop, at, order, task, other)
    else:
        move_behind(shop, at, order, other, task)
    limit = INFEASIBLE
    if tier[MAKESPAN] > 0 and tier[MAX_LATENESS] == 0:
        limit = ceiling // tier[MAKESPAN]
    if not earliest_times(shop, at, order, limit):
        return INFEASIBLE
    return value_of(shop, at)


@njit.entry
def advance(shop: BlockingShop, search: Annealing, moves: int, target: int) -> int:
    """Continue the search for some moves; slices of any size make the same search.

    Parameters
    ----------
    moves
        Moves to try in this call.
    target
        Stop as soon as the best value is at most this (a lower bound).

    Returns
    -------
    int
        Best value of the whole search.
    """
    counters, rng = search.counters, search.rng
    hot, cold = search.heat[0], search.heat[1]
    for _ in range(moves):
        if counters[BEST] <= target:
            break
        if counters[STEP] >= counters[LENGTH]:
            counters[STEP] = 0
            counters[LENGTH] *= 2
            start_from(shop, search, search.best_sequence)
        heat = hot * math.pow(cold / hot, counters[STEP] / counters[LENGTH])
        counters[STEP] += 1
        task = draw_critical(shop, search.at, search.order, rng)
        if task < 0:
            continue
        draw = (np.int64(next_random(rng) >> np.uint64(11)) + 0.5) / 9007199254740992.0
        ceiling = counters[CURRENT] - np.int64(heat * math.log(draw))
        value = _move(shop, search, task, ceiling)
        if value <= ceiling:
            _keep(search, value)
        else:
            _restore(search.order)
    return int(counters[BEST])
