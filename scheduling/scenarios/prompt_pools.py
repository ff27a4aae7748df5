"""Prompts on instances that are split into a pool for short ones and one for long ones.

Every instance is a queue with Poisson arrivals, so that mean waits are exact by formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.serving.queueing import Queue

INSTANCES = 8
"""Of both pools together."""

_WINDOW_SECONDS = 60.0
_STEADY = 0.98
_MARGIN = 0.2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Prompts:
    """Prompts as new tokens, cached tokens before them, and the seconds that each takes alone."""

    tokens: Ints
    cached: Ints
    seconds: Floats

    def where(self, chosen: NDArray[np.bool_]) -> Prompts:
        """Return some of them."""
        return Prompts(self.tokens[chosen], self.cached[chosen], self.seconds[chosen])


def mean_wait(served: Prompts, rate: float, instances: int) -> float:
    """Return the mean seconds that prompts wait, spread at random over equal instances.

    Each instance is an M/G/1 queue. Beyond 98 % of the time busy the wait is that at 98 %, and what
    comes too much waits for half a window.
    """
    if not len(served.seconds) or rate <= 0:
        return 0.0
    if not instances:
        return _WINDOW_SECONDS
    mean = float(served.seconds.mean())
    scv = float(served.seconds.var()) / mean**2
    busy = rate * mean / instances
    steady = Queue(1, min(busy, _STEADY) / mean, mean, scv).mean_wait or 0.0
    return steady + max(busy - _STEADY, 0.0) * _WINDOW_SECONDS / 2


def split_wait(served: Prompts, rate: float, threshold: int, short: int) -> float:
    """Return the mean wait with ``short`` instances for prompts up to the threshold."""
    is_short = served.tokens <= threshold
    share = float(is_short.mean())
    waits = (
        mean_wait(served.where(is_short), rate * share, short),
        mean_wait(served.where(~is_short), rate * (1 - share), INSTANCES - short),
    )
    return share * waits[0] + (1 - share) * waits[1]


def balanced(served: Prompts, threshold: int) -> int:
    """Return the split whose pools are most evenly busy."""
    work = float(served.seconds[served.tokens <= threshold].sum() / served.seconds.sum())
    return min(max(round(INSTANCES * work), 1), INSTANCES - 1)


def best_split(served: Prompts, rate: float) -> tuple[float, int, int]:
    """Return the least mean wait of all thresholds and splits, and where it is reached.

    Every length of a prompt is a threshold: the moments of those up to it and beyond it are sums.
    """
    order = np.argsort(served.tokens, kind="stable")
    tokens, seconds = served.tokens[order], served.seconds[order]
    last = np.append(np.flatnonzero(np.diff(tokens)), len(tokens) - 1)
    sums = [np.cumsum(seconds**power)[last] for power in (0, 1, 2)]
    rest = [whole[-1] - part for whole, part in zip(sums, sums, strict=True)]
    best = np.inf, 0, 0
    for short in range(1, INSTANCES):
        waits = _mean_waits(sums, rate / len(tokens), short)
        waits = waits + _mean_waits(rest, rate / len(tokens), INSTANCES - short)
        place = int(waits.argmin())
        best = min(best, (float(waits[place]) / len(tokens), int(tokens[last[place]]), short))
    return best


def _mean_waits(sums: Sequence[Floats], each: float, instances: int) -> Floats:
    """Return the seconds that prompts wait in all, by Pollaczek and Khinchine.

    Parameters
    ----------
    sums
        Number of prompts, their seconds and the squares of these.
    each
        Requests a second of every one.
    instances
        That serve them; as of :func:`mean_wait`.
    """
    count, seconds, squares = sums
    mean = np.divide(seconds, count, out=np.zeros_like(seconds), where=count > 0)
    second = np.divide(squares, count, out=np.zeros_like(seconds), where=count > 0)
    busy = each * seconds / instances
    steady = np.minimum(busy, _STEADY)
    waits = np.divide(
        steady * second, 2 * mean * (1 - steady), out=np.zeros_like(busy), where=mean > 0
    )
    waits = waits + np.maximum(busy - _STEADY, 0.0) * _WINDOW_SECONDS / 2
    return np.asarray(count * waits)


def moved(waits: Sequence[Floats], pressures: Sequence[Floats], start: int) -> float:
    """Return the sum of waits when an instance follows the pressure of the window before.

    Parameters
    ----------
    waits, pressures
        For each window by number of short instances: mean wait, and how much busier an instance for
        short prompts is than one for long ones.
    start
        Short instances in the first window.
    """
    total, short = 0.0, start
    for wait, pressure in zip(waits, pressures, strict=True):
        total += float(wait[short])
        if pressure[short] > _MARGIN and short < INSTANCES - 1:
            short += 1
        elif pressure[short] < -_MARGIN and short > 1:
            short -= 1
    return total


def best_moves(waits: Sequence[Floats], start: int) -> float:
    """Return the least sum of waits when at most one instance moves between windows."""
    sums = np.full(INSTANCES + 1, np.inf)
    sums[start] = waits[0][start]
    for wait in waits[1:]:
        padded = np.concatenate([[np.inf], sums, [np.inf]])
        sums = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:]) + wait
    return float(sums[1:INSTANCES].min())
