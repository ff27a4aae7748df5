"""The compiled annealing of orders. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_EXCHANGES = 0.3
"""Share of the steps that exchange two transactions."""

_COLD = 0.05
_LATE = 0.02
"""Weight of the sum of all starts beside the makespan, which many orders share."""


@numba.njit(nogil=True, cache=True)
def anneal(lag: Ints, length: Ints, order: Ints, steps: int, hot: float, rng: Any) -> Ints:
    """Anneal from an order by moving short runs of transactions; return the best order found."""
    n = len(order)
    current, trial, best = order.copy(), order.copy(), order.copy()
    start = np.zeros(n, np.int64)
    energy, makespan = _placed(lag, length, current, start)
    best_energy, best_makespan = energy, makespan
    cooling = (_COLD / hot) ** (1.0 / max(1, steps))
    heat = hot
    for _ in range(steps):
        heat *= cooling
        _moved(current, trial, rng)
        tried, reached = _placed(lag, length, trial, start)
        if tried <= energy or rng.random() < np.exp((energy - tried) / heat):
            current[:] = trial
            energy = tried
            if reached < best_makespan or (reached == best_makespan and tried < best_energy):
                best_makespan, best_energy = reached, tried
                best[:] = trial
    return best


@numba.njit(nogil=True, cache=True)
def _placed(lag: Ints, length: Ints, order: Ints, start: Ints) -> tuple[float, int]:
    """Place an order; return its energy and its makespan."""
    makespan, total = 0, 0
    for place in range(len(order)):
        one = order[place]
        begin = 1
        for before in range(place):
            begin = max(begin, start[before] + lag[order[before], one])
        start[place] = begin
        total += begin
        makespan = max(makespan, begin + length[one] - 1)
    return makespan + _LATE * total, makespan


@numba.njit(nogil=True, cache=True)
def _moved(current: Ints, trial: Ints, rng: Any) -> None:
    """Write the order with a run of one to three moved elsewhere, or two exchanged, into trial."""
    n = len(current)
    if n < 2 or rng.random() < _EXCHANGES:
        trial[:] = current
        a, b = rng.integers(0, n), rng.integers(0, n)
        trial[a], trial[b] = current[b], current[a]
        return
    size = min(n - 1, rng.integers(1, 4))
    first = rng.integers(0, n - size + 1)
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
