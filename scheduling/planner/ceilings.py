"""How busy pools of replicas may be, for many templates at once.

The share of requests that wait depends on the size of the pool, on how busy it is and on how bursty
arrivals are, not on the template; it is tabulated once for each burstiness and each trace, and each
template then looks up its ceilings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.table import RequestTable
from scheduling.models.serving.queueing import Queue, wait_factors, waiting_shares
from scheduling.planner.traced import traced_queue

Floats = NDArray[np.float64]

MOST_REPLICAS = 256
"""Pools beyond this size are as busy as one of this size."""

MOST_BUSY = 0.95
"""No pool is planned to be busier, whatever its targets: queues grow without bound near 1."""

_GRID = np.array([1e-6, 1e-4, 1e-3, 3e-3, *(step / 100 for step in range(1, 96))])
"""Utilisations that ceilings are rounded down to."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A queue that requests pass at a replica.

    Parameters
    ----------
    servers
        Servers of one replica: slots of its batch, or 1.
    service_seconds, service_scv
        Mean time that a request holds a server, and its squared variation.
    arrival_scv
        Squared variation of the times between arrivals; of traces, apart from their bursts.
    limit_seconds, share
        Longest wait allowed, and the share of the requests that it must hold for.
    load
        Share of the time that its servers are busy when the replica is at its rate.
    traces
        Requests as they were seen, each of which the pool must bear alone at its utilisation.
    """

    servers: int
    service_seconds: float
    service_scv: float
    arrival_scv: float
    limit_seconds: float
    share: float
    load: float
    traces: tuple[RequestTable, ...] = ()

    def ceilings(self, replicas: NDArray[np.int64]) -> Floats:
        """Return how busy pools of so many replicas may be, as a share of their rate.

        ``replicas`` ascends.
        """
        if self.limit_seconds == float("inf") or self.load <= 0:
            return np.full(len(replicas), MOST_BUSY)
        sizes = np.minimum(replicas * self.servers, MOST_REPLICAS)
        waiting = _waiting(self.arrival_scv)[:, sizes - 1]
        busy = _GRID[:, None]
        factors = wait_factors(sizes, busy, waiting, self.service_scv, self.arrival_scv)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            decay = waiting * self.limit_seconds / (factors * self.service_seconds)
            late = np.where(waiting > 0, waiting * np.exp(-decay), 0.0)
        kept = late <= 1 - self.share
        # The first utilisation that breaks the limit ends what is allowed.
        last = np.where(kept.all(axis=0), len(_GRID), np.argmin(kept, axis=0)) - 1
        allowed = np.maximum.accumulate(_GRID[np.maximum(last, 0)])
        limit = self.limit_seconds / self.service_seconds
        for trace in self.traces:
            seen = traced_queue(trace).ceilings(sizes, limit, self.share, _GRID)
            allowed = np.minimum(allowed, seen)
        return np.minimum(allowed / self.load, MOST_BUSY)

    def quantile(self, replicas: int, busy: float, share: float) -> float | None:
        """Return the wait that this share stays within, of replicas so busy; ``None``: endless."""
        servers = replicas * self.servers
        rate = busy * self.load * servers / self.service_seconds
        queue = Queue(servers, rate, self.service_seconds, self.service_scv, self.arrival_scv)
        waits = [queue.wait_quantile(share)]
        if waits[0] is None:
            return None
        for trace in self.traces:
            seen = traced_queue(trace).wait(servers, busy * self.load, share)
            waits.append(seen * self.service_seconds)
        return max(wait for wait in waits if wait is not None)


@lru_cache(maxsize=64)
def _waiting(arrival_scv: float) -> Floats:
    """Return the share of requests that wait, by utilisation and by size of the pool."""
    counts = np.arange(1, MOST_REPLICAS + 1)
    spread = np.repeat(counts, len(_GRID)), np.tile(_GRID, MOST_REPLICAS)
    return waiting_shares(*spread, arrival_scv).reshape(MOST_REPLICAS, len(_GRID)).T
