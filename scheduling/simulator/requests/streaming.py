"""Prompts that come in parts, and a replica that computes them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import WHOLE, Live
from scheduling.simulator.requests.parts import Chunks
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.models.requests.growth import Growth
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine


class Coming:
    """The parts of prompts that are to come, wherever their requests are by then.

    Parameters
    ----------
    engine
        The run.
    growth
        The parts.
    """

    def __init__(self, engine: Engine, growth: Growth) -> None:
        self._engine = engine
        self._first = growth.first_tokens
        self._parts = growth.parts
        self._growing: dict[int, Live] = {}
        columns = (growth.times_ns, growth.rows, growth.tokens, growth.kept)
        for time, row, tokens, kept in zip(*(one.tolist() for one in columns), strict=True):
            engine.call_at(time, partial(self._grow, row, tokens, kept))

    def came(self, request: Live) -> None:
        """Note a request, of whose prompt the first part is known."""
        parts = int(self._parts[request.row])
        if parts:
            request.parts_left = parts
            request.known = int(self._first[request.row])
            self._growing[request.row] = request

    def _grow(self, row: int, tokens: int, kept: int, now: int) -> None:
        """Let a part of a prompt come, unless its request was rejected."""
        request = self._growing.get(row)
        if request is None:
            return
        request.grown_ns = now
        request.parts_left -= 1
        request.known = tokens if request.parts_left else WHOLE
        place = self._engine.where[row]
        instance = self._engine.instances[place]
        # Until a router lets it go on, a request is nowhere.
        if place >= 0 and isinstance(instance, StreamingInstance):
            instance.grow(request, kept, now)


class StreamingInstance(Instance):
    """One replica that computes what is known of a prompt, and again what has been replaced.

    Memory is taken for the whole prompt when it begins.
    """

    jumps_chunks = False

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self._stale: dict[int, int] = {}

    def grow(self, request: Live, kept: int, now: int) -> None:
        """Take in a part of a prompt; what was computed behind the tokens that stay is lost."""
        row = request.row
        # What is known of a prompt may be what the queue is sorted by.
        self._unsorted = True
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
