"""When the requests that decode will have their last token."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from scheduling.simulator.requests.live import Live, State


class Ends:
    """Steps of an instance at which its requests end, in order; equal ones as they have joined.

    An evicted request stays in it and is passed over: it no longer decodes, or has joined anew.
    """

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Live]] = []
        self._joined = 0

    def add(self, step: int, request: Live) -> None:
        """Note the step at which a request that joins the decodes has its last token."""
        self._joined += 1
        request.order = self._joined
        heappush(self.heap, (step, request.order, request))

    def remove(self, request: Live) -> None:
        """Take out a request that goes elsewhere, where its numbers mean something else."""
        self.heap = [end for end in self.heap if end[2] is not request]
        heapify(self.heap)

    def next(self) -> int:
        """Return the step at which the first request that decodes has its last token."""
        heap = self.heap
        while not _stands(heap[0]):
            heappop(heap)
        return heap[0][0]

    def until(self, step: int) -> Iterator[Live]:
        """Take out and yield the requests that have their last token by a step."""
        heap = self.heap
        while heap and heap[0][0] <= step:
            end = heappop(heap)
            if _stands(end):
                yield end[2]


def _stands(end: tuple[int, int, Live]) -> bool:
    _, order, request = end
    return request.state is State.DECODING and request.order == order
