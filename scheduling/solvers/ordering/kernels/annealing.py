"""The compiled annealing of orders. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]

_EXCHANGES = 0.3
"""Share of the steps that exchange two transactions."""

_CRITICAL = 0.7
"""Share of the steps that move a transaction on which the last end depends."""

_COLD = 0.05
_LATE = 0.02
"""Weight of the sum of all starts beside the makespan, which many orders share."""


@njit.entry
def anneal(lag: Ints, length: Ints, order: Ints, steps: int, hot: float, rng: Any) -> Ints:
    """Anneal from an order by moving short runs of transactions; return the best order found.

    Only moves of a transaction that the last end waits for, directly or by others, can make it
    earlier; where few transactions conflict, most others change nothing.
    """
    n = len(order)
    current, trial, best = order.copy(), order.copy(), order.copy()
    start, cause, waited = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    energy, makespan, last = _placed(lag, length, current, start, cause)
    best_energy, best_makespan = energy, makespan
    cooling = (_COLD / hot) ** (1.0 / max(1, steps))
    heat = hot
    for _ in range(steps):
        heat *= cooling
        chosen = _critical(cause, last, rng) if rng.random() < _CRITICAL else -1
        _moved(current, trial, chosen, rng)
        tried, reached, end = _placed(lag, length, trial, start, waited)
        if tried <= energy or rng.random() < np.exp((energy - tried) / heat):
            copy(current, trial)
            copy(cause, waited)
            energy, last = tried, end
            if reached < best_makespan or (reached == best_makespan and tried < best_energy):
                best_makespan, best_energy = reached, tried
                copy(best, trial)
    return best


@njit.lean
def _placed(
    lag: Ints, length: Ints, order: Ints, start: Ints, cause: Ints
) -> tuple[float, int, int]:
    """Place an order; return its energy, its makespan and the place of what ends last.

    ``cause`` takes for each place that of the transaction which it starts after; -1: none.
    """
    makespan, total, last = 0, 0, 0
    for place in range(len(order)):
        one = order[place]
        begin, reason = 1, -1
        for before in range(place):
            after = start[before] + lag[order[before], one]
            if after > begin:
                begin, reason = after, before
        start[place], cause[place] = begin, reason
        total += begin
        if begin + length[one] - 1 > makespan:
            makespan, last = begin + length[one] - 1, place
    return makespan + _LATE * total, makespan, last


@njit.inner
def _critical(cause: Ints, last: int, rng: Any) -> int:
    """Draw a place of those that the last end depends on, all alike."""
    chosen, count, place = last, 0, last
    while place >= 0:
        count += 1
        if rng.integers(0, count) == 0:
            chosen = place
        place = cause[place]
    return chosen


@njit.inner
def _moved(current: Ints, trial: Ints, chosen: int, rng: Any) -> None:
    """Write the order with a run of one to three moved elsewhere, or two exchanged, into trial.

    With a chosen place it alone is moved or exchanged; -1: any.
    """
    n = len(current)
    if n < 2 or rng.random() < _EXCHANGES:
        copy(trial, current)
        a, b = rng.integers(0, n) if chosen < 0 else chosen, rng.integers(0, n)
        trial[a], trial[b] = current[b], current[a]
        return
    size = min(n - 1, rng.integers(1, 4)) if chosen < 0 else 1
    first = rng.integers(0, n - size + 1) if chosen < 0 else chosen
    target = rng.integers(0, n - size + 1)
    kept = 0
    for place in range(n):
        if target <= place < target + size:
            trial[place] = current[first + place - target]
            continue
        while first <= kept < first + size:
            kept += 1
        trial[place] = current[kept]
        kept += 1
