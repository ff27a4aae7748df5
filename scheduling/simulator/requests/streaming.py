"""A replica whose prompts come in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import WHOLE, Live
from scheduling.simulator.requests.parts import Chunks
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.models.requests.growth import Growth
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine


class StreamingInstance(Instance):
    """One replica that computes what is known of a prompt, and again what has been replaced.

    Memory is taken for the whole prompt when it begins.
    """

    jumps_chunks = False

    def __init__(self, index: int, group: Group, engine: Engine, growth: Growth) -> None:
        super().__init__(index, group, engine)
        self._first = growth.first_tokens
        self._parts = growth.parts
        self._here: dict[int, Live] = {}
        self._stale: dict[int, int] = {}

    def enqueue(self, request: Live, now: int) -> None:
        """Put a request at the end of the queue; of its prompt the first part is known."""
        if not request.remote:
            self._here[request.row] = request
            request.parts_left = int(self._parts[request.row])
            if request.parts_left:
                request.known = int(self._first[request.row])
            request.grown_ns = now
        super().enqueue(request, now)

    def grow(self, row: int, tokens: int, kept: int, now: int) -> None:
        """Take in a part of a prompt; what was computed behind the tokens that stay is lost."""
        request = self._here[row]
        request.grown_ns = now
        request.parts_left -= 1
        request.known = tokens if request.parts_left else WHOLE
        if self.busy and any(one is request for one, _ in self.running.chunks):
            self._stale[row] = min(kept, self._stale.get(row, kept))
        else:
            self._drop(request, kept)
        if self.busy:
            self._interrupt(now)
        else:
            self._engine.touch(self)

    def _drop(self, request: Live, kept: int) -> None:
        self.tally.replaced_tokens += max(0, request.done - kept)
        request.done = min(request.done, kept)

    def _end_chunks(self, now: int, chunks: Chunks) -> None:
        """Count what the iteration has computed of tokens that still stand."""
        if not self._stale:
            super()._end_chunks(now, chunks)
            return
        standing: Chunks = []
        for request, tokens in chunks:
            kept = self._stale.pop(request.row, None)
            if kept is None:
                standing.append((request, tokens))
                continue
            self.tally.new_tokens += tokens
            request.done += tokens
            self._drop(request, kept)
        super()._end_chunks(now, standing)

    def _idle(self, turn: Turn) -> None:
        """Wait for parts of prompts, if any are to come."""
        if any(request.parts_left for request in (*self.waiting, *self.prefilling)):
            self._carry = 0
            return
        super()._idle(turn)
