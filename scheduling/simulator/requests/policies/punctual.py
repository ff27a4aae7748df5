"""Whole prompts in the batch of which most come in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policies.ordering import deadline_ns
from scheduling.simulator.requests.policy import Begins, Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn


@dataclass(frozen=True, slots=True)
class Punctual:
    """Prompts first, in the batch that brings most of those that wait to their token in time.

    A batch ends for all of it at once, so that its first deadline counts. For each deadline in the
    queue, the shortest prompts of this and later deadlines join as long as it is kept; the batch of
    most prompts runs, the shortest of equal ones. What cannot be in time any more runs alone, the
    shortest first, while nothing else waits. Decodes run while no prompt does.

    Parameters
    ----------
    ttft_seconds
        From arrival to the deadline of the first token, by row of the table's demands.
    tokens
        Most prompt tokens of a batch; a single prompt beyond it runs alone.
    most
        Prompts that are looked at, those that came first.
    """

    ttft_seconds: tuple[float | None, ...]
    tokens: int = 8192
    most: int = 64
    name: str = "punctual"
    provenance: Provenance = "inferred"
    steady: bool = True
    begins: Begins = "by-time"

    def compose(self, turn: Turn) -> None:
        """Run the best batch of prompts, else decode."""
        queue = [request for request in turn.waiting if not request.remote][: self.most]
        queue.sort(key=lambda one: (one.left, one.row))
        for request in self._chosen(turn, queue):
            if turn.admit(request) is None:
                break
            turn.prefill(request, request.left)
        if not turn.chunks:
            turn.decode()

    def _chosen(self, turn: Turn, queue: Sequence[Live]) -> Sequence[Live]:
        """Return the batch of most prompts in time, or the shortest prompt where none is."""
        limits = [deadline_ns(request, self.ttft_seconds) for request in queue]
        best: tuple[int, float] = 0, 0.0
        chosen: Sequence[Live] = queue[:1]
        for first in sorted(set(limits)):
            joined: list[Live] = []
            batch, ends = Batch(), 0.0
            for request, limit in zip(queue, limits, strict=True):
                if limit < first:
                    continue
                larger = batch + Batch.prefill(request.left, request.done)
                end = turn.now + turn.cost.seconds(larger) * NS_PER_SECOND
                if end > first or (joined and larger.new_tokens > self.tokens):
                    break
                joined.append(request)
                batch, ends = larger, end
            if (len(joined), -ends) > best:
                best, chosen = (len(joined), -ends), joined
        return chosen
