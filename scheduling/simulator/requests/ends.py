"""When the requests that decode will have their last token."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from scheduling.simulator.requests.live import Live, State

_DECODING = State.DECODING


class Ends:
    """Steps of an instance at which its requests end, in order; equal ones as they have joined.

    An evicted request stays in it and is passed over: it no longer decodes, or has joined anew.
    """

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Live]] = []
        self._joined = 0

    def add(self, step: int, request: Live) -> None:
        """Note the step at which a request that joins the decodes has its last token."""
        self._joined = request.order = order = self._joined + 1
        heappush(self.heap, (step, order, request))

    def remove(self, request: Live) -> None:
        """Take out a request that goes elsewhere, where its numbers mean something else."""
        self.heap = [end for end in self.heap if end[2] is not request]
        heapify(self.heap)

    def next(self) -> int:
        """Return the step at which the first request that decodes has its last token."""
        heap = self.heap
        while True:
            step, order, request = heap[0]
            if request.state is _DECODING and request.order == order:
                return step
            heappop(heap)

    def until(self, step: int) -> list[Live]:
        """Take out the requests that have their last token by a step."""
        heap = self.heap
        found = []
        while heap and heap[0][0] <= step:
            _, order, request = heappop(heap)
            if request.state is _DECODING and request.order == order:
                found.append(request)
        return found
