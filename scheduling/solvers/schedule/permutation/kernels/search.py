"""Constructions and iterated greedy search, in one loop of small steps.

After Ruiz and Stützle, "A simple and effective iterated greedy algorithm for the permutation
flowshop scheduling problem" (2007): take some jobs out, put each back at its best position,
improve by moving single jobs, and keep the result when it is better or, with a small
probability, worse. Between taking out and putting back, the jobs that are left are improved too
(Dubois-Lacoste, Pagnozzi and Stützle, "An iterated greedy algorithm with optimization of partial
solutions for the makespan permutation flowshop problem", 2017). With several lines, half of the
jobs taken out come from the longest one (Ruiz, Pan and Naderi, "Iterated greedy methods for the
distributed permutation flowshop scheduling problem", 2019).
"""

from __future__ import annotations

import math

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.permutation.kernels.fronts import refresh, spread, total
from scheduling.solvers.schedule.permutation.kernels.insertion import find_place, insert, remove
from scheduling.solvers.schedule.permutation.kernels.plant import (
    BAG,
    BEST,
    BUILDING,
    FRESH,
    HEAT,
    IMPROVING,
    JUDGING,
    KEPT,
    LARGEST,
    LOOKS,
    MAIN,
    PHASE,
    POINT,
    POLISHING,
    QUIET,
    REMOVED,
    ROUNDS,
    SIDE,
    SUMS,
    TAKEN,
    TOP,
    TRIED,
    Ints,
    Plant,
    Search,
    Words,
)


@njit.lean
def below(rng: Words, bound: int) -> int:
    """Draw an integer from 0 to ``bound - 1`` with xorshift64 (Marsaglia, 2003)."""
    word = rng[0]
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    rng[0] = word
    drawn: np.int64 = np.int64((word >> np.uint64(33)) % np.uint64(bound))
    return drawn  # type: ignore[return-value]


@njit.lean
def _shuffle(search: Search) -> None:
    """Begin to try all jobs elsewhere, in a new order."""
    queue = search.queue
    for i in range(queue.shape[0] - 1, 0, -1):
        k = below(search.rng, i + 1)
        queue[i], queue[k] = queue[k], queue[i]
    search.counter[POINT] = 0
    search.counter[QUIET] = 0


@njit.lean
def _draw_job(search: Search) -> int:
    """Draw a job to be taken out."""
    lines = search.size.shape[0]
    if lines > 1 and below(search.rng, 2):
        f = 0
        for g in range(lines):
            if search.value[g, TOP] > search.value[f, TOP]:
                f = g
        if search.size[f] > 0:
            return search.order[f, below(search.rng, search.size[f])]
    j = below(search.rng, search.where.shape[0])
    while search.where[j] < 0:
        j = below(search.rng, search.where.shape[0])
    return j


@njit.lean
def _break_up(plant: Plant, search: Search) -> None:
    """Take some jobs out."""
    counter = search.counter
    counter[TAKEN] = 0
    counter[BAG] = int(search.knob[REMOVED])
    for i in range(counter[BAG]):
        j = _draw_job(search)
        remove(search, j)
        search.bag[i] = j
    left = search.where.shape[0] - counter[BAG]
    counter[PHASE] = BUILDING if plant.goal[SUMS] or left < 2 else POLISHING
    counter[MAIN] = LARGEST
    _shuffle(search)


@njit.lean
def _build(plant: Plant, search: Search) -> None:
    """Put in the next job of the bag."""
    counter = search.counter
    if counter[TAKEN] < counter[BAG]:
        j = search.bag[counter[TAKEN]]
        f, p = find_place(plant, search, j)
        insert(search, j, f, p)
        counter[TAKEN] += 1
    if counter[TAKEN] >= counter[BAG]:
        counter[PHASE] = IMPROVING
        _shuffle(search)


@njit.lean
def _patience(search: Search) -> int:
    """Jobs in a row that must find no better place to end a phase."""
    n = search.queue.shape[0]
    if search.counter[PHASE] == POLISHING:
        return n - search.counter[BAG]
    return min(n, int(search.knob[TRIED])) if search.counter[ROUNDS] > 0 else n


@njit.lean
def _try_elsewhere(plant: Plant, search: Search) -> None:
    """Put one job at its best position; end the phase when that has helped no job of all."""
    counter = search.counter
    n = search.queue.shape[0]
    if counter[POINT] == n:
        counter[POINT] = 0
    j = search.queue[counter[POINT]]
    counter[POINT] += 1
    if search.where[j] >= 0:
        main, side = counter[MAIN], counter[SIDE]
        remove(search, j)
        f, p = find_place(plant, search, j)
        insert(search, j, f, p)
        better = counter[MAIN] < main or (counter[MAIN] == main and counter[SIDE] < side)
        counter[QUIET] = 0 if better else counter[QUIET] + 1
    if counter[QUIET] >= _patience(search):
        counter[PHASE] = BUILDING if counter[PHASE] == POLISHING else JUDGING


@njit.lean
def _copy(order: Ints, size: Ints, target: Ints, target_size: Ints) -> None:
    for f in range(size.shape[0]):
        target_size[f] = size[f]
        for p in range(size[f]):
            target[f, p] = order[f, p]


@njit.lean
def _return_to_kept(search: Search) -> None:
    _copy(search.kept, search.kept_size, search.order, search.size)
    for f in range(search.size.shape[0]):
        search.fresh[f] = 0
        for p in range(search.size[f]):
            search.where[search.order[f, p]] = f


@njit.lean
def _note_best(search: Search, value: int) -> None:
    if value < search.counter[BEST]:
        _copy(search.order, search.size, search.best, search.best_size)
        search.counter[BEST] = value
        search.counter[FRESH] = 1


@njit.lean
def _judge(plant: Plant, search: Search) -> None:
    """Keep the orders, or return to those kept before; then take jobs out."""
    counter = search.counter
    value = counter[MAIN]
    _note_best(search, value)
    worse = value - counter[KEPT]
    draw = (below(search.rng, 1 << 30) + 1) / (1 << 30)
    if worse <= 0 or (search.knob[HEAT] > 0 and draw < math.exp(-worse / search.knob[HEAT])):
        _copy(search.order, search.size, search.kept, search.kept_size)
        counter[KEPT] = value
    else:
        _return_to_kept(search)
    for f in range(search.size.shape[0]):
        counter[LOOKS] += refresh(plant, search, f)
    counter[ROUNDS] += 1
    _break_up(plant, search)


@njit.lean_entry
def measure(plant: Plant, search: Search) -> None:
    """Value the present orders, and go on with improving them."""
    counter = search.counter
    for f in range(search.size.shape[0]):
        counter[LOOKS] += refresh(plant, search, f)
    counter[MAIN] = total(plant, search)
    counter[SIDE] = spread(plant, search)
    counter[PHASE] = IMPROVING
    _note_best(search, counter[MAIN])
    _shuffle(search)


@njit.lean_entry
def advance(plant: Plant, search: Search, looks: int, target: int, build_only: int) -> int:
    """Go on until so much work is done or a value is reached; return the work.

    Parameters
    ----------
    plant, search
        The problem and what is remembered.
    looks
        Work: machines that jobs were put on, for values that were only tried too.
    target
        The search ends once its best value is at most this.
    build_only
        Whether to end as soon as all jobs of the bag are in.
    """
    counter = search.counter
    began = counter[LOOKS]
    while counter[LOOKS] - began < looks and counter[BEST] > target:
        phase = counter[PHASE]
        if phase == BUILDING:
            _build(plant, search)
            if counter[PHASE] == IMPROVING:
                _note_best(search, counter[MAIN])
        elif build_only:
            break
        elif phase == JUDGING:
            _judge(plant, search)
        else:
            _try_elsewhere(plant, search)
    return counter[LOOKS] - began
