"""JITServe: the batch of requests that is worth most, chosen anew now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

Rule = Literal["gmax", "gmax-released", "shortest", "least-served", "deadline"]

_PENALTY = 100.0
_OUTPUT_WEIGHT = 8
_FLOOR = 1e-6
_QUANTUM = 400
_KEPT = 2


def best_window(values: Sequence[float], lengths: Sequence[int], seats: int) -> list[int]:
    """Return the places of ``seats`` values, next to each other by length, of greatest sum.

    All places where there are no more. Of equal sums the shortest lengths win.
    """
    order = sorted(range(len(values)), key=lambda place: (lengths[place], place))
    if len(order) <= seats:
        return order
    sums = np.concatenate(([0.0], np.cumsum([values[place] for place in order])))
    totals = sums[seats:] - sums[:-seats]
    start = int(np.argmax(totals))
    return order[start : start + seats]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a request is worth and how long it takes, with the lengths of all answers known.

    Parameters
    ----------
    answers
        Tokens of the answer of each row of the table.
    first, later, whole
        Limits in seconds of the first token, of each later one, and of the last, by row of the
        table's demands; ``None``: none. A limit on the last is a deadline; otherwise the first two
        make one.
    cost
        Predicts the time of prompts.
    token_seconds
        Predicted time of a later token.
    """

    answers: NDArray[np.int64]
    first: tuple[float | None, ...]
    later: tuple[float | None, ...]
    whole: tuple[float | None, ...]
    cost: CostModel
    token_seconds: float

    def deadline(self, request: Live) -> float:
        """Return the seconds from arrival to the deadline of a request; infinite without one."""
        whole = self.whole[request.demand]
        if whole is not None:
            return whole
        first, later = self.first[request.demand], self.later[request.demand]
        if first is None or later is None:
            return float("inf") if first is None else first
        return first + later * (int(self.answers[request.row]) - 1)

    def remaining(self, request: Live, tokens: int) -> float:
        """Return the seconds that a request of so many tokens still takes."""
        left = request.prompt + int(self.answers[request.row]) - max(tokens, request.target)
        seconds = max(left, 1) * self.token_seconds
        if request.left > 0 and tokens <= request.target:
            seconds += self.cost.seconds(Batch.prefill(request.left, request.done))
        return seconds

    def density(self, request: Live, tokens: int, now: int) -> float:
        """Return the reward of a request over the time that it takes.

        The reward is ``input + 8 output``, times ``deadline / finish`` to the power of 100 where it
        is foreseen to come late.
        """
        remaining = self.remaining(request, tokens)
        reward = request.prompt + _OUTPUT_WEIGHT * float(self.answers[request.row])
        finish = (now - request.arrival_ns) / NS_PER_SECOND + remaining
        ratio = min(1.0, self.deadline(request) / finish)
        return float(max(reward * ratio**_PENALTY, _FLOOR) / remaining)


@dataclass(slots=True)
class JitServe:
    """JITServe: every 50 steps the batch is chosen anew that earns most for its time.

    (arXiv 2504.20068, NSDI 2026.) Of the requests that run or wait, twice as many as there are
    seats are kept by density, and of these the batch is a window by length of greatest density in
    sum, so that a batch has requests of like lengths. Those outside give way. In between, free
    seats go to the densest. The released window is the one of least sum. As baselines: shortest
    remaining answer first (learning to rank), least served first in quanta of 400 tokens
    (Autellix), earliest deadline first; all choose at the same steps.

    Parameters
    ----------
    worth
        What requests are worth.
    rule
        How the batch is chosen.
    every
        Decode steps between two choices.
    inner
        What is batched between them.
    """

    worth: Worth
    rule: Rule = "gmax"
    every: int = 50
    inner: PrefillFirst = field(default_factory=lambda: PrefillFirst(8192, padded=False))
    name: str = "jitserve"
    provenance: Provenance = "paper"
    steady: bool = False
    _chosen_at: int | None = field(init=False, repr=False, default=None)
    _rank: dict[int, int] = field(init=False, repr=False, default_factory=dict)

    def fresh(self, instance: int) -> JitServe:
        """Return the same policy, with nothing chosen, for an instance."""
        del instance
        return JitServe(self.worth, self.rule, self.every, self.inner, self.name, self.provenance)

    @property
    def order(self) -> JitServe:
        """The order of the queue: as chosen last, newcomers behind."""
        return self

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by the place in the last choice."""
        del now
        place = self._rank.get(request.row, len(self._rank))
        return place, request.arrival_ns, request.row

    def compose(self, turn: Turn) -> None:
        """Choose anew if it is time to, then batch."""
        last = self._chosen_at
        if turn.waiting and (last is None or turn.steps - last >= self.every):
            self._chosen_at = turn.steps
            self._choose(turn)
        self.inner.compose(turn)

    def _choose(self, turn: Turn) -> None:
        """Rank all requests, those of the new batch first, and let others give way."""
        running = [*turn.decoding, *turn.prefilling]
        everyone = [*running, *turn.waiting]
        values = [self._value(turn, request) for request in everyone]
        ranked = sorted(range(len(everyone)), key=lambda place: -values[place])
        seats = turn.slots + len(running)
        batch = ranked[:seats]
        if self.rule in ("gmax", "gmax-released"):
            kept = ranked[: _KEPT * seats]
            sign = 1.0 if self.rule == "gmax" else -1.0
            lengths = [turn.tokens(everyone[place]) for place in kept]
            window = best_window([sign * values[place] for place in kept], lengths, seats)
            inside = {kept[place] for place in window}
            batch = [place for place in ranked if place in inside]
        batch = self._fitting(turn, everyone, batch)
        inside = set(batch)
        places = batch + [place for place in ranked if place not in inside]
        self._rank = {everyone[place].row: rank for rank, place in enumerate(places)}
        for place in range(len(running)):
            if place not in inside:
                turn.preempt(running[place])
        turn.fetch()

    def _fitting(self, turn: Turn, everyone: Sequence[Live], batch: list[int]) -> list[int]:
        """Return those of a batch, densest first, whose memory fits together."""
        room = turn.capacity_blocks
        for count, place in enumerate(batch):
            tokens = max(turn.tokens(everyone[place]), everyone[place].target) + 1
            room -= -(-tokens // turn.block_size)
            if room < 0 and count:
                return batch[:count]
        return batch

    def _value(self, turn: Turn, request: Live) -> float:
        tokens = turn.tokens(request)
        made = max(0, tokens - request.prompt)
        if self.rule == "shortest":
            return -float(int(self.worth.answers[request.row]) - made)
        if self.rule == "least-served":
            return -float(made // _QUANTUM)
        if self.rule == "deadline":
            limit = self.worth.deadline(request)
            return -(request.arrival_ns / NS_PER_SECOND + limit)
        return self.worth.density(request, tokens, turn.now)
