"""LAPS: short prompts gather in a window and run together, long ones in chunks between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND, nanoseconds
from scheduling.simulator.requests.parts import Part, mixed_batch
from scheduling.simulator.requests.policies.ordering import deadline_ns
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

GRAPH_TOKENS = (8, 256)
GRAPH_PROMPTS = (1, 64)
"""Least and greatest prompt tokens, and prompts, of captured graphs; powers of two between."""

LONGEST_SHORT = 256


def bucket(count: int, limits: tuple[int, int]) -> int | None:
    """Return the least captured size that holds so many; ``None`` beyond all."""
    low, high = limits
    size = max(low, 1 << (count - 1).bit_length())
    return size if size <= high else None


@dataclass(slots=True)
class Laps:
    """LAPS: two queues by length; the short one is batched within a waiting window.

    (arXiv 2601.11589, MLSys 2026.) Short prompts gather until the window since the oldest of them
    has passed, until as many wait as ran together last, or until one has to run now to keep its
    deadline. Those of one captured graph go first: of the bucket with the oldest prompt, then the
    others. A batch is padded to the next graph where there is one and this is faster. The window
    follows the time in which the depth was reached, the depth what came within the window. One long
    prompt at a time runs in chunks while no short ones are due, and decodes while there are none.

    Parameters
    ----------
    ttft_seconds
        From arrival to the deadline of the first token, by row of the table's demands.
    longest_short
        Tokens of the longest short prompt; the paper's is where computing takes as long as reading
        weights.
    captured
        Times of batches that run from captured graphs; ``None``: there are no graphs.
    windows
        Seconds of the least and the greatest window.
    most
        Most short prompts of a batch.
    chunk
        Tokens of a long prompt's chunk.
    margin
        Seconds before the last moment at which all that wait can begin together and the first
        deadline is kept.
    """

    ttft_seconds: tuple[float | None, ...]
    longest_short: int = LONGEST_SHORT
    captured: CostModel | None = None
    windows: tuple[float, float] = (0.0, 0.05)
    most: int = 64
    chunk: int = 2048
    margin: float = 0.005
    name: str = "laps"
    provenance: Provenance = "inferred"
    steady: bool = False
    _window: float = field(init=False, repr=False, default=0.0)
    _depth: int = field(init=False, repr=False, default=1)

    def __post_init__(self) -> None:
        self._window = self.windows[1]
        self._depth = self.most

    def fresh(self, instance: int) -> Laps:
        """Return the same policy, with the greatest window and depth, for an instance."""
        del instance
        return Laps(
            self.ttft_seconds,
            self.longest_short,
            self.captured,
            self.windows,
            self.most,
            self.chunk,
            self.margin,
        )

    def compose(self, turn: Turn) -> None:
        """Run the short prompts that are due, else a chunk of a long one, else decode."""
        queue = [request for request in turn.waiting if not request.remote]
        short = [request for request in queue if request.left <= self.longest_short]
        due = self._due(turn, short) if short else None
        if due is not None and due <= turn.now:
            self._run(turn, short)
        if turn.chunks:
            return
        long = next(iter(turn.prefilling), None)
        if long is None:
            first = next((one for one in queue if one.left > self.longest_short), None)
            long = None if first is None else turn.admit(first)
        if long is not None:
            turn.prefill(long, min(long.left, self.chunk))
            return
        turn.decode()
        if due is not None and due > turn.now:
            turn.wake_ns = due

    def _due(self, turn: Turn, short: Sequence[Live]) -> int:
        """Return when the short prompts that wait have to run."""
        if len(short) >= self._depth:
            return turn.now
        due = min(request.arrival_ns for request in short) + nanoseconds(self._window)
        limit = min(deadline_ns(request, self.ttft_seconds) for request in short)
        if limit < float("inf"):
            together = mixed_batch([(request, request.left) for request in short], 0, 0)
            reserve = turn.cost.seconds(together) + self.margin
            due = min(due, int(limit) - nanoseconds(reserve))
        return due

    def _run(self, turn: Turn, short: Sequence[Live]) -> None:
        """Begin short prompts, those of the oldest one's graph first."""
        oldest = min(short, key=lambda one: (one.arrival_ns, one.row))
        own = bucket(oldest.left, GRAPH_TOKENS)
        ranked = sorted(short, key=lambda one: bucket(one.left, GRAPH_TOKENS) != own)
        for request in ranked[: self.most]:
            if turn.admit(request) is None:
                break
            turn.prefill(request, request.left)
        if not turn.chunks:
            return
        waited = (turn.now - oldest.arrival_ns) / NS_PER_SECOND
        low, high = self.windows
        if len(short) >= self._depth:
            self._window = min(max(waited, low), high)
        self._depth = min(len(short), self.most)
        seconds = turn.cost.seconds(turn.batch)
        padded = self._padded(turn)
        if padded is not None and padded < seconds:
            turn.part = Part(padded)

    def _padded(self, turn: Turn) -> float | None:
        """Return the time of the batch from the graph that holds it; ``None`` without one."""
        tokens = bucket(max(tokens for _, tokens in turn.chunks), GRAPH_TOKENS)
        count = bucket(len(turn.chunks), GRAPH_PROMPTS)
        if self.captured is None or tokens is None or count is None:
            return None
        cached = sum(request.done for request, _ in turn.chunks)
        pairs = tokens * (cached + count * (tokens + 1) / 2)
        return self.captured.seconds(Batch(tokens * count, count, cached, pairs))
