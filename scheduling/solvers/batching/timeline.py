"""Tokens and requests of every iteration to come, while requests are put in one by one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scheduling.models.batching.arrays import BatchingArrays, Ints, Plan


class Timeline:
    """Iterations with what the requests that have started will hold in them.

    Parameters
    ----------
    arrays
        The problem.
    """

    def __init__(self, arrays: BatchingArrays) -> None:
        self._arrays = arrays
        length = arrays.horizon + int(arrays.output.max()) + 1
        self._held = np.zeros(length, np.int64)
        self._running = np.zeros(length, np.int64)
        self._grown = np.arange(1, int(arrays.output.max()) + 1)

    def earliest(self, request: int, start: int) -> int:
        """Return the first iteration from ``start`` on at which a request fits."""
        while (later := self.retry(request, start)) != start:
            start = later
        return start

    def retry(self, request: int, start: int) -> int:
        """Return ``start`` if a request fits then, else a start before which it fits nowhere."""
        arrays = self._arrays
        slots = int(arrays.output[request])
        span = slice(start, start + slots)
        tokens = self._held[span] + self._grown[:slots] + int(arrays.prompt[request])
        over = tokens - arrays.memory
        full = self._running[span] >= arrays.batch
        bad = np.flatnonzero((over > 0) | full)
        if not len(bad):
            return start
        # A start k later holds k tokens fewer in an iteration, and none once it is over.
        steps = np.where(full[bad], bad + 1, np.minimum(over[bad], bad + 1))
        return start + int(steps.max())

    def put(self, request: int, start: int) -> None:
        """Start a request."""
        self._change(request, start, 1)

    def take(self, request: int, start: int) -> None:
        """Take a request out that was put in."""
        self._change(request, start, -1)

    def _change(self, request: int, start: int, sign: int) -> None:
        slots = int(self._arrays.output[request])
        span = slice(start, start + slots)
        self._held[span] += sign * (self._grown[:slots] + int(self._arrays.prompt[request]))
        self._running[span] += sign


def in_order(arrays: BatchingArrays, order: Iterable[int]) -> Plan:
    """Start each request as early as it fits beside those before it in the order."""
    timeline = Timeline(arrays)
    starts: Ints = np.zeros(arrays.n, np.int64)
    for request in order:
        start = timeline.earliest(request, int(arrays.release[request]))
        timeline.put(request, start)
        starts[request] = start
    return Plan(starts)
