"""Subgradient ascent on the multipliers of "every job once", for the relaxations of one machine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SCALE = 256
"""Costs and multipliers are integers, in units of one part in ``SCALE``: bounds are exact."""

INFINITE = 1 << 60

_FIRST_LENGTH = 0.3

BOUND, STALLED, FINISHED = range(3)
"""Entries of ``Multipliers.state``: best scaled bound so far, steps since it improved, whether the
last path visited each job once."""


class Multipliers(NamedTuple):
    """Prices of the jobs while they are adjusted; made by :func:`make_multipliers`.

    Attributes
    ----------
    price, best_price
        By job, now and where the best bound was found.
    visits
        How often the last path visits each job.
    direction, length
        Of the next step, by job, and its factor.
    state
        See the names of this module.
    """

    price: Ints
    best_price: Ints
    visits: Ints
    direction: Floats
    length: Floats
    state: Ints


def make_multipliers(price: Ints) -> Multipliers:
    """Begin at given scaled prices."""
    n = len(price)
    state = np.zeros(3, np.int64)
    state[BOUND] = -INFINITE
    return Multipliers(
        price=price.copy(),
        best_price=price.copy(),
        visits=np.zeros(n, np.int64),
        direction=np.zeros(n),
        length=np.full(1, _FIRST_LENGTH),
        state=state,
    )


@njit.lean
def _copy(source: Ints, target: Ints) -> None:
    for j in range(source.shape[0]):
        target[j] = source[j]


@njit.lean
def settle(prices: Multipliers, path: int, target: int) -> None:
    """Take note of a shortest path's cost and count, and move the prices.

    Parameters
    ----------
    prices
        With the path's visits in ``visits``.
    path
        Scaled cost of the shortest path at the present prices.
    target
        Scaled value that the bound is meant to reach.
    """
    state, visits = prices.state, prices.visits
    bound = path
    for j in range(visits.shape[0]):
        bound += prices.price[j]
    if bound > state[BOUND]:
        if bound > state[BOUND] + SCALE // 4:
            state[STALLED] = 0
        state[BOUND] = bound
        _copy(prices.price, prices.best_price)
    else:
        state[STALLED] += 1
        if state[STALLED] % 12 == 0:
            prices.length[0] *= 0.7
            _copy(prices.best_price, prices.price)
    square = 0.0
    once = True
    for j in range(visits.shape[0]):
        once &= visits[j] == 1
        prices.direction[j] = (1 - visits[j]) + 0.6 * prices.direction[j]
        square += prices.direction[j] ** 2
    state[FINISHED] = once
    if once or square == 0.0:
        return
    step = prices.length[0] * max(target - bound, SCALE) / square
    for j in range(visits.shape[0]):
        prices.price[j] += np.int64(round(step * prices.direction[j]))
