"""A second tier of prefixes: what an instance has dropped is still on its host for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scheduling.errors import Fault, InputError
from scheduling.simulator.requests.clock import nanoseconds
from scheduling.simulator.requests.keeping import KeepingInstance
from scheduling.simulator.requests.live import Live

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.policy import Retention

Ahead = bool | Literal["calls"]
"""When copies back begin: as prompts begin, as requests come, or with the calls before them."""

Route = Sequence[tuple[int, int, int]]
"""Streams of a prompt, each with its first block and that behind its last one."""


@dataclass(frozen=True, slots=True)
class HostTier:
    """Memory of the host for prefixes of one instance.

    What joins the prefixes of an instance is written to the host beside iterations, so that nothing
    is lost when the instance drops it; what was used longest ago leaves the host first, from the
    ends of prompts. A prompt that begins has what lies on the host alone copied back, one copy
    after the other, and the next iteration waits for it.

    Parameters
    ----------
    tokens
        Tokens whose KV the host holds for an instance.
    tokens_per_second
        Rate of copies back.
    ahead
        Copies begin when a request comes to the queue, not when it leaves it (SAGA): iterations
        wait only for what is missing by then. Until then they lie in a buffer of their own, which
        takes no KV memory. With ``calls`` they begin for calls of programs when the last one
        begins here that they wait for (KVFlow), as the graphs tell.

    Raises
    ------
    InputError
        For less than a token, or no rate.
    """

    tokens: int
    tokens_per_second: float
    ahead: Ahead = False

    def __post_init__(self) -> None:
        faults = []
        if self.tokens < 1:
            faults.append(Fault("host.tokens", str(self.tokens), "at least 1"))
        if not 0 < self.tokens_per_second < float("inf"):
            found = str(self.tokens_per_second)
            faults.append(Fault("host.tokens_per_second", found, "a positive number"))
        if faults:
            raise InputError(faults)


class HostBlocks:
    """The first blocks of streams that are on a host, those used last behind all others.

    Parameters
    ----------
    capacity
        Blocks that it holds.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.blocks = 0
        self._spans: OrderedDict[int, tuple[int, int]] = OrderedDict()

    def level(self, route: Route) -> int:
        """Return how many blocks of a prompt are here, from its head on."""
        level = 0
        for stream, start, stop in route:
            _, end = self._spans.get(stream, (start, start))
            level = min(stop, max(end, start))
            if level < stop:
                break
        return level

    def use(self, route: Route) -> None:
        """Note that a prompt uses what is here of it; its head stays longest."""
        for stream, _, _ in reversed(route):
            if stream in self._spans:
                self._spans.move_to_end(stream)

    def write(self, route: Route) -> None:
        """Take in all blocks of a prompt, and drop what was used longest ago."""
        for stream, start, stop in route:
            _, end = self._spans.get(stream, (start, start))
            if stop > end:
                self._spans[stream] = (start, stop)
                self.blocks += stop - end
        self.use(route)
        while self.blocks > self.capacity:
            stream, (start, end) = next(iter(self._spans.items()))
            kept = max(start, end - (self.blocks - self.capacity))
            self.blocks -= end - kept
            if kept > start:
                self._spans[stream] = (start, kept)
            else:
                del self._spans[stream]


class TieredInstance(KeepingInstance):
    """One replica whose prefixes lie in its memory, on its host, or on both."""

    def __init__(
        self, index: int, group: Group, engine: Engine, retention: Retention, tier: HostTier
    ) -> None:
        super().__init__(index, group, engine, retention)
        self._tier = tier
        self._link_free = 0
        self._ready: dict[int, tuple[int, int]] = {}
        self.cache.host = HostBlocks(tier.tokens // group.block_size)

    def enqueue(self, request: Live, now: int) -> None:
        """Put a request at the end of the queue; what is on the host alone is copied ahead."""
        super().enqueue(request, now)
        if self._tier.ahead and not request.remote:
            self.settle(now)
            self._fetch(request.row, self.cache.missing_tokens(request), now)

    def admit(self, request: Live) -> bool:
        """Begin a request with the blocks of its prompt that are here or on the host."""
        missing = 0 if request.remote else self.cache.missing_tokens(request)
        if not super().admit(request):
            return False
        now = self._turn.now
        ready, copied = self._ready.pop(request.row, (now, 0))
        if missing:
            self.tally.host_tokens += missing
            ready = max(ready, self._copied(missing - copied, now))
            self._copying = max(self._copying, ready - now)
        if self._tier.ahead == "calls" and self._engine.programs is not None:
            for row, prompt in self._engine.programs.follow(request.row):
                self._fetch(row, self.cache.missing_ahead(row, prompt), now)
        return True

    def withdraw(self, request: Live) -> None:
        """Take a request out of the queue, and forget what was copied ahead for it."""
        self._ready.pop(request.row, None)
        super().withdraw(request)

    def _fetch(self, row: int, missing: int, now: int) -> None:
        """Copy ahead what is missing of a request's prompt and not yet under way."""
        ready, copied = self._ready.get(row, (now, 0))
        if missing > copied:
            ready = max(ready, self._copied(missing - copied, now))
        self._ready[row] = ready, max(missing, copied)

    def _copied(self, tokens: int, now: int) -> int:
        """Copy tokens back when the link is free; return when they are here."""
        if tokens <= 0:
            return now
        begin = max(now, self._link_free)
        self._link_free = begin + nanoseconds(tokens / self._tier.tokens_per_second)
        return self._link_free
