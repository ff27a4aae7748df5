"""When the requests that decode will have their last token."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from scheduling.simulator.requests.live import Live

NO_END = 1 << 62
"""A step that no instance comes to."""


class Ends:
    """Steps of an instance at which its requests end, in order; equal ones as they have joined.

    Attributes
    ----------
    first
        The step at which the first of them has its last token; :data:`NO_END` without any.
    """

    __slots__ = ("_heap", "_joined", "first")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Live]] = []
        self._joined = 0
        self.first = NO_END

    def add(self, step: int, request: Live) -> None:
        """Note the step at which a request that joins the decodes has its last token."""
        self._joined = request.order = order = self._joined + 1
        heappush(self._heap, (step, order, request))
        if step < self.first:
            self.first = step

    def drop(self, request: Live) -> None:
        """Forget a request that no longer decodes; its entry is passed over when it comes up."""
        request.order = 0
        self._look()

    def remove(self, request: Live) -> None:
        """Take out a request that goes elsewhere, where its numbers mean something else."""
        self._heap = [end for end in self._heap if end[2] is not request]
        heapify(self._heap)
        self._look()

    def until(self, step: int) -> list[Live]:
        """Take out the requests that have their last token by a step."""
        found = []
        while self.first <= step:
            found.append(heappop(self._heap)[2])
            self._look()
        return found

    def _look(self) -> None:
        """Find the first end, past those of requests that have left or joined anew."""
        heap = self._heap
        while heap:
            step, order, request = heap[0]
            if request.order == order:
                self.first = step
                return
            heappop(heap)
        self.first = NO_END
