"""Bound of the spread of arrivals by formula."""

from __future__ import annotations

from math import gcd

from scheduling.models.federated.arrays import FederatedArrays

_PAIRS = 200
"""Clients of which all pairs are looked at."""


def spread_bound(arrays: FederatedArrays) -> int:
    """Return a time that no spread is below.

    The slowest client arrives no earlier than after its fewest steps, the fastest no later than
    after its most. Two clients' arrivals are multiples of their times of a step: they differ by a
    multiple of what divides both, so that they are together only after a common multiple; clients
    for which none lies within reach are apart by that divisor at least.
    """
    slowest, fastest = max(arrays.seconds), min(arrays.seconds)
    found = max(0, arrays.least * slowest - arrays.most * fastest)
    times = sorted(set(arrays.seconds))[-_PAIRS:]
    for place, first in enumerate(times):
        for second in times[:place]:
            shared = gcd(first, second)
            if shared > found and not _meet(arrays, first // shared, second // shared):
                found = shared
    return found


def _meet(arrays: FederatedArrays, first: int, second: int) -> bool:
    """Return whether two clients can arrive together, by the steps of each that do so first."""
    fewest = max(-(-arrays.least // first), -(-arrays.least // second))
    return fewest * max(first, second) <= arrays.most
