"""Stream2LLM: whose prompt is computed while parts of prompts are still to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.live import State
from scheduling.simulator.requests.policies.fastswitch import Swap
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

Rule = Literal["default", "fcfs", "most-computed", "latest-chunk"]

STREAM_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Stream2LLM: chunks of what is known of prompts fill a budget beside all decodes.

    (arXiv 2604.16395, MLSys 2026.) Orders: ``default`` goes on with begun prompts before those in
    the queue, as vLLM; ``fcfs`` takes whole prompts before those of which parts are to come, each
    by arrival; ``most-computed`` takes the most computed first; ``latest-chunk`` takes whole
    prompts first, each tier by when their last part came. Without parts all are first come, first
    served. Requests with nothing to compute are passed over; nobody passes one that finds no room.

    Parameters
    ----------
    rule
        The order.
    tokens
        Budget of an iteration. Decodes count, but are never held back by it.
    """

    rule: Rule = "latest-chunk"
    tokens: int = STREAM_TOKENS
    name: str = "stream2llm"
    provenance: Provenance = "paper"
    steady: bool = True

    def compose(self, turn: Turn) -> None:
        """Decode, then compute prompts in order while tokens are left."""
        left = self.tokens - turn.decode()
        refused = False
        for request in self._ranked(turn):
            if left <= 0:
                break
            if request.left <= 0:
                continue
            if request.state is State.WAITING:
                # Nobody passes the one that is refused, but those that have begun go on.
                refused = refused or turn.admit(request) is None
                if refused:
                    continue
            tokens = min(request.left, left)
            turn.prefill(request, tokens)
            left -= tokens

    def _ranked(self, turn: Turn) -> list[Live]:
        everyone = [*turn.prefilling, *(one for one in turn.waiting if not one.remote)]
        return everyone if self.rule == "default" else sorted(everyone, key=self._key)

    def _key(self, request: Live) -> tuple[int, ...]:
        partial = int(request.parts_left > 0)
        if self.rule == "fcfs":
            return partial, request.arrival_ns, request.row
        if self.rule == "most-computed":
            return -request.done, request.arrival_ns, request.row
        return partial, request.grown_ns, request.arrival_ns, request.row


@dataclass(frozen=True, slots=True)
class SwapOrRecompute(Swap):
    """Stream2LLM's eviction: to the host, unless to compute all anew takes less than both copies.

    A request of ``n`` tokens begins anew where ``prefill(n) < 2 * copy(n)``. The paper takes the
    time of a prefill from measurements with lines between them; here the replica's cost model says
    it.

    Parameters
    ----------
    cost
        Times of prefills, alone in a batch.
    """

    cost: CostModel = field(kw_only=True)
    name: str = "swap-or-recompute"
    provenance: Provenance = "paper"

    def pays(self, tokens: int, blocks: int) -> bool:
        """Tell whether copying out and back takes no longer than computing anew."""
        return self.cost.seconds(Batch.prefill(tokens)) >= 2 * self.seconds(tokens, blocks)
