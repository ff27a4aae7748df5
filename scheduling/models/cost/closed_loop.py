"""Latencies of a replica that a fixed number of clients keeps busy, as benchmarks measure them.

Each of ``C`` clients sends its next request when the last one has ended. A request passes ``O``
iterations with all others decoding (``t0`` seconds each), and each of the ``C`` prompts that are
computed in that time lengthens iterations by ``e`` seconds. So it takes ``O t0 + C e`` in all,
however an engine orders the work; the order only says which part of it falls before the first
token:

* Prompts mixed into decode iterations (Orca, Sarathi-Serve): a request waits half an iteration
  with prompts and computes its own in the next; the prompts of the others come between its tokens.
* Prompts before decodes, all outputs equally long: requests that started together end together,
  so all ``C`` prompts meet in front of the engine in each round and wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from scheduling.models.cost.protocol import Batch, CostModel


@dataclass(frozen=True, slots=True)
class Latencies:
    """Mean seconds to the first token, and between tokens."""

    ttft_seconds: float
    tpot_seconds: float


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Clients, their requests, and how the engine runs them.

    Parameters
    ----------
    clients
        Requests in flight, at least one.
    prompt, output
        Tokens of each request's prompt and answer, at least one each.
    token_budget
        Most tokens of an iteration.
    mixed
        Prompts join decode iterations; else they run before them, on their own.
    in_step
        All outputs are equally long, so that rounds of an engine that does not mix stay together.
    rounds
        Requests of each client: in the first all prompts arrive at once. ``None`` for so many that
        the first does not count.
    sequences
        Most requests that run at once, as far as the KV cache holds them; ``None`` for no limit.
    poll
        Iterations between two looks at new requests, such as SGLang's
        ``--scheduler-recv-interval``.
    """

    clients: int
    prompt: int
    output: int
    token_budget: int = 8192
    mixed: bool = True
    in_step: bool = False
    rounds: int | None = None
    sequences: int | None = None
    poll: int = 1

    def latencies(self, cost: CostModel) -> Latencies:
        """Return the mean latencies over all rounds."""
        running = min(self.clients, self.sequences or self.clients)
        context = running * (self.prompt + self.output // 2)
        decoding = Batch.decode(running, context)
        idle = decoding if self.mixed else Batch()
        t0 = cost.seconds(decoding)
        most = max(1, min(self.token_budget // self.prompt, running))
        together, t1 = self._prompts(cost, idle, most)
        alone = t0 if self.mixed else 0.0
        extra = max(0.0, t1 - alone * self._pieces()) / together
        all_at_once = (running * extra + t1) / 2
        if not self.mixed and self.in_step:
            first, others = all_at_once, (running - 1) / 2
        else:
            rest = 0.0 if self.rounds is None else 1.0 / self.rounds
            later = 1.5 * t1 if self.poll == 1 else self._polled(cost, idle, most, t0)
            first = rest * all_at_once + (1.0 - rest) * later
            others = running - 1.0
        total = self.output * t0 + running * extra
        between = t0 + others * extra / self.output
        if self.mixed:
            between = min(between, max(t0, t1 / self._pieces()))
            first = max(first, total - self.output * between)
        waiting = (self.clients / running - 1.0) * total
        return Latencies(first + waiting, between)

    def _pieces(self) -> int:
        """Count the iterations that one prompt takes."""
        return max(1, ceil(self.prompt / self.token_budget))

    def _polled(self, cost: CostModel, beside: Batch, most: int, t0: float) -> float:
        """Return the wait for the next look, and for the prompts that have arrived since the last.

        In each iteration ``clients / output`` requests end and are followed by others.
        """
        arrived = round(self.poll * self.clients / self.output)
        _, seconds = self._prompts(cost, beside, max(1, min(arrived, most)))
        return self.poll / 2 * t0 + seconds

    def _prompts(self, cost: CostModel, beside: Batch, together: int) -> tuple[int, float]:
        """Return how many prompts share an iteration, and the seconds until they are computed."""
        pieces = self._pieces()
        if pieces == 1:
            batch = Batch(
                together * self.prompt, together, 0, together * self.prompt * (self.prompt + 1) / 2
            )
            return together, cost.seconds(beside + batch)
        seconds = 0.0
        done = 0
        for _ in range(pieces):
            chunk = min(self.token_budget, self.prompt - done)
            seconds += cost.seconds(beside + Batch.prefill(chunk, done))
            done += chunk
        return 1, seconds
