"""FlowPrefill: prompts that give way to more urgent ones at the next operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.parts import Cohort, Part, mixed_batch
from scheduling.simulator.requests.policies.ordering import deadline_ns
from scheduling.simulator.requests.policy import Begins, Provenance, Ranking

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

OPERATORS = 256
"""Operators of a pass: 32 layers of eight (normalisation, projections, attention, the two halves of
the feed-forward network and what lies between)."""

_LONGEST = 8192
_SHORT = 2048
_MARGIN = 0.1


@dataclass(slots=True)
class _Pass:
    """Prompts that pass the layers together, and the operators that are left to them."""

    cohort: Cohort
    left: int


@dataclass(slots=True)
class FlowPrefill:
    """FlowPrefill: when a request comes or a prompt is done, the first in order runs.

    (arXiv 2602.16603.) Between those events nothing is decided, so prompts need no chunks to be
    interruptible: a pass gives way after the operator that runs, and what it has done is kept. A
    short prompt is joined by those behind it in the queue, while all together are short and a tenth
    of its time to the first token stays as slack. A prompt in the queue for which memory is short
    stands back behind those that have begun. Decodes run while there is no prompt to compute; the
    paper has them on other instances.

    Parameters
    ----------
    order
        Order of passes, which the queue has to have too; the paper's is
        :class:`~scheduling.simulator.requests.policies.ordering.SlackDeadline`.
    ttft_seconds
        From arrival to the deadline of the first token, by row of the table's demands; a request
        with ``None`` is joined by others whatever its slack.
    operators
        Operators of a pass.
    longest, short
        Prompt tokens of a pass at most, and of one that several prompts share.
    """

    order: Ranking
    ttft_seconds: tuple[float | None, ...]
    operators: int = OPERATORS
    longest: int = _LONGEST
    short: int = _SHORT
    name: str = "flowprefill"
    provenance: Provenance = "paper"
    steady: bool = True
    begins: Begins = "first"
    _running: _Pass | None = field(init=False, repr=False, default=None)
    _waiting: list[_Pass] = field(init=False, repr=False, default_factory=list)

    def fresh(self, instance: int) -> FlowPrefill:
        """Return the same policy, with no pass begun, for an instance."""
        del instance
        return FlowPrefill(
            self.order,
            self.ttft_seconds,
            self.operators,
            self.longest,
            self.short,
            self.name,
            self.provenance,
        )

    def compose(self, turn: Turn) -> None:
        """Run the pass that is first in order, or decode when there is none."""
        self._put_back(turn)
        best = self._best_begun(turn)
        head = turn.head
        if (
            head is not None
            and turn.slots > 0
            and (best is None or self.order.key(head, turn.now) < best[0])
            and turn.admit() is not None
        ):
            self._begin(turn, head)
        elif best is None:
            turn.decode()
        elif isinstance(best[1], _Pass):
            self._waiting.remove(best[1])
            self._run(turn, best[1])
        else:
            turn.prefill(best[1], min(best[1].left, self.longest))
            self._run(turn, _Pass(Cohort(turn.chunks), self.operators))

    def preempts(self, turn: Turn) -> bool:
        """Tell whether another pass is first in order now."""
        running, part = turn.running, turn.running.part
        if part is None:
            return False
        left = part.seconds - (turn.now - running.began) / NS_PER_SECOND
        own = self.order.rank(running.chunks[0][0], turn.now, left)
        best = self._best_begun(turn)
        if best is not None and best[0] < own:
            return True
        head = turn.head
        return head is not None and turn.slots > 0 and self.order.key(head, turn.now) < own

    def _put_back(self, turn: Turn) -> None:
        """Keep the pass that has given way, and forget those whose requests were evicted."""
        last, self._running = self._running, None
        if last is not None and turn.running.cut:
            last.left -= turn.running.cut
            self._waiting.append(last)
        self._waiting = [one for one in self._waiting if one.cohort.chunks]

    def _best_begun(self, turn: Turn) -> tuple[tuple[float, ...], _Pass | Live] | None:
        """Return the first in order of the passes that wait and the prompts between two passes."""
        found: list[tuple[tuple[float, ...], _Pass | Live]] = []
        passing = {one[0].row for one in self._running.cohort.chunks} if self._running else set()
        for one in self._waiting:
            chunks = one.cohort.chunks
            if chunks:
                passing |= {request.row for request, _ in chunks}
                seconds = self._seconds(turn, one)
                found.append((self.order.rank(chunks[0][0], turn.now, seconds), one))
        found += [
            (self.order.key(request, turn.now), request)
            for request in turn.prefilling
            if request.row not in passing
        ]
        return min(found, key=lambda entry: entry[0], default=None)

    def _begin(self, turn: Turn, head: Live) -> None:
        """Begin a prompt and those that may join it."""
        turn.prefill(head, min(head.left, self.longest))
        limit = self.ttft_seconds[head.demand]
        reserve = 0.0 if limit is None else _MARGIN * limit
        left = (deadline_ns(head, self.ttft_seconds) - turn.now) / NS_PER_SECOND - reserve
        total = head.left
        while total <= self.short and (other := turn.head) is not None:
            total += other.left
            together = turn.cost.seconds(turn.batch + Batch.prefill(other.left, other.done))
            if total > self.short or together > left or turn.admit() is None:
                break
            turn.prefill(other, other.left)
        self._run(turn, _Pass(Cohort(turn.chunks), self.operators))

    def _run(self, turn: Turn, one: _Pass) -> None:
        self._running = one
        turn.chunks[:] = one.cohort.chunks
        share = one.left / self.operators
        turn.part = Part(self._seconds(turn, one), operators=one.left, share=share)

    def _seconds(self, turn: Turn, one: _Pass) -> float:
        """Return the time that a pass still takes."""
        whole = turn.cost.seconds(mixed_batch(one.cohort.chunks, 0, 0))
        return whole * one.left / self.operators
