"""Iterated dynasearch for the weighted tardiness of one machine.

A step of dynasearch carries out the best set of moves that do not overlap, found by a dynamic
program over positions (Congram, Potts and van de Velde, 2002, INFORMS Journal on Computing 14).
A move swaps two jobs or inserts one elsewhere, both ways (Grosso, Della Croce and Tadei, 2004,
Operations Research Letters 32). Local optima are left by random swaps; after a number of them the
search returns to the best order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

DURATION, DUE, WEIGHT = range(3)
"""Rows of ``Search.job``."""

ORDER, BEST, END, COST, GAIN, FROM, MOVE, SUM = range(8)
"""Rows of ``Search.row``, all by position: the present and the best order, completions, costs so
far, best total gain so far, where the last move of it starts and of which kind it is, and the
changed costs of insertions in progress."""

BEST_VALUE, SINCE, LOCAL = range(3)
"""Entries of ``Search.counter``: value of the best order, kicks since it changed or was returned
to, whether the present order is a local optimum."""

_STAY, _SWAP, _LATER, _EARLIER = range(4)
_EPOCH = 60


class Search(NamedTuple):
    """Everything that a search remembers; made by :func:`make_search`.

    Attributes
    ----------
    job, row, counter
        See the names of this module.
    reach
        Largest distance of positions that a move takes.
    rng
        State of the random numbers.
    """

    job: Ints
    row: Ints
    counter: Ints
    reach: int
    rng: Words


def make_search(durations: Ints, dues: Ints, weights: Ints, order: Ints, seed: int) -> Search:
    """Begin at an order of the jobs.

    The larger the problem the shorter the reach, so that a step stays short.
    """
    n = len(durations)
    row = np.zeros((8, n + 1), np.int64)
    for name in (ORDER, BEST):
        row[name, :n] = order
    word = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    search = Search(
        job=np.stack([durations, dues, weights]).astype(np.int64),
        row=row,
        counter=np.zeros(3, np.int64),
        reach=min(n, max(50, 10**6 // max(n, 1))),
        rng=np.array([word or 1], np.uint64),
    )
    search.counter[BEST_VALUE] = int(measure(search))
    return search


def best_order(search: Search) -> Ints:
    """Return the best order so far."""
    return search.row[BEST, :-1].copy()


@njit.lean
def _below(rng: Words, bound: int) -> int:
    word = rng[0]
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    rng[0] = word
    return int((word >> np.uint64(33)) % np.uint64(bound))


@njit.lean
def _cost(job: Ints, j: int, end: int) -> int:
    late = end - job[DUE, j]
    return job[WEIGHT, j] * late if late > 0 else 0


@njit.lean_entry
def measure(search: Search) -> int:
    """Fill in completions and costs of the present order; return its value."""
    job, row = search.job, search.row
    n = row.shape[1] - 1
    now = 0
    total = 0
    for k in range(n):
        j = row[ORDER, k]
        now += job[DURATION, j]
        total += _cost(job, j, now)
        row[END, k] = now
        row[COST, k + 1] = total
    return total


@njit.lean
def _swap_gain(search: Search, i: int, k: int, least: int) -> int:
    """Gain of swapping positions i < k, or a smaller number when it is at most ``least``."""
    job, row = search.job, search.row
    one, two = row[ORDER, i], row[ORDER, k]
    longer = job[DURATION, two] - job[DURATION, one]
    gain = row[COST, i + 1] - row[COST, i] + row[COST, k + 1] - row[COST, k]
    gain -= _cost(job, two, row[END, i] + longer) + _cost(job, one, row[END, k])
    if longer == 0:
        return gain
    if longer < 0:
        if gain + row[COST, k] - row[COST, i + 1] <= least:
            return least
        gain += row[COST, k] - row[COST, i + 1]
        for m in range(i + 1, k):
            gain -= _cost(job, row[ORDER, m], row[END, m] + longer)
            if gain <= least:
                return least
        return gain
    for m in range(i + 1, k):
        if gain <= least:
            return least
        gain += row[COST, m + 1] - row[COST, m]
        gain -= _cost(job, row[ORDER, m], row[END, m] + longer)
    return gain


@njit.lean
def _plan(search: Search) -> int:
    """Find the best set of moves that do not overlap; return its gain."""
    job, row = search.job, search.row
    n = row.shape[1] - 1
    row[GAIN, 0] = 0
    for k in range(n):
        two = row[ORDER, k]
        own = row[COST, k + 1] - row[COST, k]
        best, start, move = row[GAIN, k], k, _STAY
        earlier = 0
        row[SUM, k] = 0
        for i in range(k - 1, max(k - search.reach, 0) - 1, -1):
            one = row[ORDER, i]
            first = row[COST, i + 1] - row[COST, i]
            row[SUM, i] += own - _cost(job, two, row[END, k] - job[DURATION, one])
            gain = row[GAIN, i] + row[SUM, i] + first - _cost(job, one, row[END, k])
            if gain > best:
                best, start, move = gain, i, _LATER
            earlier += first - _cost(job, one, row[END, i] + job[DURATION, two])
            ahead = row[END, i] - job[DURATION, one] + job[DURATION, two]
            gain = row[GAIN, i] + earlier + own - _cost(job, two, ahead)
            if gain > best:
                best, start, move = gain, i, _EARLIER
            if k - i > 1:
                gain = row[GAIN, i] + _swap_gain(search, i, k, best - row[GAIN, i])
                if gain > best:
                    best, start, move = gain, i, _SWAP
        row[GAIN, k + 1] = best
        row[FROM, k + 1] = start
        row[MOVE, k + 1] = move
    return row[GAIN, n]


@njit.lean
def _carry_out(search: Search) -> None:
    """Make the moves of the plan, from the last position to the first."""
    row = search.row
    order = row[ORDER]
    k = row.shape[1] - 1
    while k > 0:
        i, last, move = row[FROM, k], k - 1, row[MOVE, k]
        if move == _STAY:
            k -= 1
            continue
        one, two = order[i], order[last]
        if move == _SWAP:
            order[i] = two
            order[last] = one
        elif move == _LATER:
            for m in range(i, last):
                order[m] = order[m + 1]
            order[last] = one
        else:
            for m in range(last, i, -1):
                order[m] = order[m - 1]
            order[i] = two
        k = i


@njit.lean
def _kick(search: Search) -> None:
    """Swap a few random pairs of jobs that stand not too far apart."""
    row = search.row
    n = row.shape[1] - 1
    for _ in range(3 + _below(search.rng, 5)):
        i = _below(search.rng, n)
        k = i + 1 + _below(search.rng, 30)
        if k < n:
            row[ORDER, i], row[ORDER, k] = row[ORDER, k], row[ORDER, i]


@njit.lean
def _end_walk(search: Search) -> None:
    """Note a local optimum; after many without a better one go back to the best order."""
    row, counter = search.row, search.counter
    n = row.shape[1] - 1
    counter[SINCE] += 1
    if row[COST, n] < counter[BEST_VALUE]:
        counter[BEST_VALUE] = row[COST, n]
        counter[SINCE] = 0
        for k in range(n):
            row[BEST, k] = row[ORDER, k]
    elif counter[SINCE] >= _EPOCH:
        counter[SINCE] = 0
        for k in range(n):
            row[ORDER, k] = row[BEST, k]


@njit.lean_entry
def advance(search: Search, steps: int, target: int) -> int:
    """Go on for up to ``steps`` steps, or until the best value is at most ``target``.

    Returns the number of steps made; each looks once at all pairs of positions within reach.
    """
    counter = search.counter
    for made in range(steps):
        if counter[BEST_VALUE] <= target:
            return made
        if counter[LOCAL]:
            _kick(search)
            measure(search)
            counter[LOCAL] = 0
        if _plan(search) > 0:
            _carry_out(search)
            measure(search)
        else:
            counter[LOCAL] = 1
            _end_walk(search)
    return steps
