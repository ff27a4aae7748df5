"""The best that one machine with preemption can do: what harder problems are relaxed to."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def srpt_sum(release: Floats, work: Floats) -> float:
    """Return the least sum of completion times on one machine with preemption.

    Shortest remaining work first is best (Schrage, 1968).

    Parameters
    ----------
    release
        Release times, ascending.
    work
        Time that each job takes.
    """
    total, now = 0.0, 0.0
    queue: list[float] = []
    ahead = 0
    times, works = release.tolist(), work.tolist()
    count = len(times)
    while ahead < count or queue:
        if not queue:
            now = max(now, times[ahead])
        while ahead < count and times[ahead] <= now:
            heappush(queue, works[ahead])
            ahead += 1
        if not queue:
            continue
        left = heappop(queue)
        until = times[ahead] if ahead < count else float("inf")
        if now + left <= until:
            now += left
            total += now
        else:
            heappush(queue, left - (until - now))
            now = until
    return total


def mean_busy_sum(release: Floats, work: Floats, weight: Floats | None = None) -> float:
    """Return the least weighted sum of mean busy times on one machine with preemption.

    A job's mean busy time is the mean of the moments at which it is worked on. Most weight for its
    whole work first, whatever remains of that, is best (Goemans, 1997).

    Parameters
    ----------
    release, work
        As of :func:`srpt_sum`.
    weight
        Of each job; default: 1.
    """
    total, now = 0.0, 0.0
    queue: list[tuple[float, float]] = []
    ahead = 0
    times, works = release.tolist(), work.tolist()
    count = len(times)
    weights = [1.0] * count if weight is None else weight.tolist()
    while ahead < count or queue:
        if not queue:
            now = max(now, times[ahead])
        while ahead < count and times[ahead] <= now:
            if works[ahead] > 0:
                rate = weights[ahead] / works[ahead]
                heappush(queue, (-rate, works[ahead]))
            else:
                total += weights[ahead] * times[ahead]
            ahead += 1
        if not queue:
            continue
        rank, left = heappop(queue)
        until = times[ahead] if ahead < count else float("inf")
        spent = min(left, until - now)
        total -= rank * spent * (now + spent / 2)
        now += spent
        if left > spent:
            heappush(queue, (rank, left - spent))
    return total


def span(release: Floats, work: Floats) -> float:
    """Return when all work can be done at the earliest, never idle while any is released.

    Parameters
    ----------
    release, work
        As of :func:`srpt_sum`.
    """
    later = np.cumsum(work[::-1])[::-1]
    return float((release + later).max(initial=0.0))
