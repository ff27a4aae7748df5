"""A replica whose evicted requests may wait in the memory of its host instead of beginning anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from scheduling.simulator.requests.clock import nanoseconds
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live, State

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.policy import Swapping


class SwappingInstance(Instance):
    """One replica that copies the KV of requests to its host and back.

    Copies out end before the next iteration, which needs the blocks; copies back do so too or go on
    beside iterations, as the policy says. Copies share no bandwidth with each other.
    """

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self._swaps = cast("Swapping", group.eviction)
        self._copied: dict[int, int] = {}
        self._held = 0

    def evict(self, request: Live, *, alone: bool = False) -> None:
        """Copy a request that decodes to the host if that pays and there is room, or drop it.

        One that is alone would come back to the same want of memory; to begin anew makes a token.
        """
        tokens = self.tokens(request) - 1
        decodes = request.state is State.DECODING
        pays = decodes and not alone and self._swaps.pays(tokens, self.memory.blocks(tokens))
        if not (pays and self._has_room(request, tokens)):
            self._forget(request)
            super().evict(request)
            return
        new = tokens - self._copied.get(request.row, 0)
        blocks = self.memory.blocks(tokens) - self.memory.blocks(tokens - new)
        self._copied[request.row] = tokens
        self._held += new
        self._copying += nanoseconds(self._swaps.seconds(new, blocks))
        self._leave(request, self._turn.now, keep=False)
        self.load_tokens += tokens - request.target
        request.target = request.done = tokens
        request.state = State.WAITING
        request.remote = True
        request.source = -1
        self._give_back(request)
        self.tally.swaps += 1
        self.tally.swapped_out += new
        self.tally.peak_host_tokens = max(self.tally.peak_host_tokens, self._held)

    def _has_room(self, request: Live, tokens: int) -> bool:
        """Tell whether the host can hold so many tokens of a request."""
        return self._held - self._copied.get(request.row, 0) + tokens <= self._swaps.host_tokens

    def _forget(self, request: Live) -> None:
        """Drop the copy of a request."""
        self._held -= self._copied.pop(request.row, 0)

    def _bring(self, request: Live, now: int) -> None:
        """Copy a request back from the host, or have it fetched from another instance."""
        if request.source >= 0:
            super()._bring(request, now)
            return
        seconds = self._swaps.seconds(request.target, self.memory.blocks(request.target))
        self.tally.swapped_in += request.target
        if not self._swaps.keeps_copies:
            self._forget(request)
        if self._swaps.beside:
            self._engine.call_at(
                now + nanoseconds(seconds), lambda time: self.arrive(request, time)
            )
        else:
            self._copying += nanoseconds(seconds)
            self._arrived.append(request)
            self._welcome()

    def _end(self, request: Live, now: int) -> None:
        self._forget(request)
        super()._end(request, now)
