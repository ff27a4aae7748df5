"""How long the requests of a trace wait, with the silences and bursts that they came in.

Formulas know a burstiness, the same at all times. A trace has quiet hours, busy minutes and bursts:
the variation of the times between its arrivals says how long its silences are, not how many
requests come at a time, so pools are sized by the arrivals themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.table import RequestTable

Floats = NDArray[np.float64]

MOST_ROWS = 10_000
"""Requests of a trace that are looked at, at most: those in a row that came in the least time, as a
fleet that is sized by the quiet hours of a day does not serve its peak."""


class TracedQueue:
    """Pools of equal servers that the requests of a trace pass in order of arrival.

    Services all take the same time, so the servers take turns (G/D/c, exact). Waits are in units of
    that time: at a utilisation they then depend on the number of servers only, whatever rate the
    arrivals are stretched to.

    Parameters
    ----------
    trace
        Two or more requests that do not come all at once.
    """

    def __init__(self, trace: RequestTable) -> None:
        seconds = (trace.arrival_ns - trace.arrival_ns[0]) / 1e9
        rows = min(len(seconds), MOST_ROWS)
        first = int(np.argmin(seconds[rows - 1 :] - seconds[: len(seconds) - rows + 1]))
        peak = seconds[first : first + rows] - seconds[first]
        self._arrivals = peak * ((len(seconds) - 1) / seconds[-1])
        self._known: dict[tuple[int, float, float], float] = {}

    def wait(self, servers: int, busy: float, share: float) -> float:
        """Return within how many services this share of the requests has a server.

        Parameters
        ----------
        servers
            Of the pool.
        busy
            Its utilisation, above 0.
        share
            Of the requests, from 0 to below 1.
        """
        key = servers, busy, share
        if key not in self._known:
            self._known[key] = float(np.quantile(self._waits(servers, busy), share))
        return self._known[key]

    def _waits(self, servers: int, busy: float) -> Floats:
        arrivals = self._arrivals / (servers * busy)
        turns = -(-len(arrivals) // servers)
        full = np.pad(arrivals, (0, turns * servers - len(arrivals)), mode="edge")
        behind = np.arange(turns)[:, None] - full.reshape(turns, servers)
        waits = behind - np.minimum.accumulate(behind, axis=0)
        return np.asarray(waits.ravel()[: len(arrivals)])

    def ceilings(
        self, servers: NDArray[np.int64], limit: float, share: float, grid: Floats
    ) -> Floats:
        """Return the largest utilisations of a grid at which a wait is kept, by size of the pool.

        Parameters
        ----------
        servers
            Sizes of pools, ascending. Those between two powers of the square root of two are taken
            to be as busy as the next smaller one, as large ones differ little.
        limit
            Longest wait, in services.
        share
            Share of the requests that it must hold for.
        grid
            Utilisations, ascending; the first one stands for a pool that none keeps it for.
        """
        tried = _thinned(servers)
        found = [
            grid[
                max(0, bisect_right(grid, limit, key=lambda busy: self.wait(size, busy, share)) - 1)
            ]
            for size in tried.tolist()
        ]
        within = np.searchsorted(tried, servers, side="right") - 1
        return np.asarray(np.maximum.accumulate(found)[within])


def _thinned(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first size and those that are a half power of two beyond the one before."""
    steps = np.floor(2 * np.log2(sizes))
    return np.asarray(sizes[np.diff(steps, prepend=-1.0) > 0])


@lru_cache(maxsize=16)
def traced_queue(trace: RequestTable) -> TracedQueue:
    """Return the queue of a trace, with all waits that were asked for before."""
    return TracedQueue(trace)
