"""Times of the iterations of a replica with a full batch.

A replica that does both phases mixes decode steps with chunks of prompts (Agrawal et al.,
"Taming Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve", OSDI 2024). With ``B``
decoding requests an iteration takes ``T0`` without prompts, and the prompts of load c add ``E_c``
each to the iterations that they are in: a request takes ``steps_c * T0 / B + E_c`` of the replica's
time, and no less than its share ``S_c = new_c / chunk * T1`` of iterations with full chunks, of
``T1`` seconds. A replica for one phase only is the special case without chunks, or without decodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from statistics import NormalDist

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.models.serving.plan import Role
from scheduling.planner.loads import Load
from scheduling.planner.packing import Packed, before

_NEARLY_ALWAYS = 2.0
"""Standard deviations of the tokens of prompts by which these may fall short of an iteration."""


@dataclass(frozen=True)
class Room:
    """What the replica has.

    Parameters
    ----------
    cost
        Its cost model.
    kv_tokens
        By token budget the tokens that its KV cache then holds; budgets that leave no room are
        missing.
    slow
        Factor on all times that targets must survive.
    transfer_per_token
        Seconds to hand one token's KV to a decode replica.
    groups
        Pipeline stages times copies of attention, over which the requests of a batch are spread.
    """

    cost: CostModel
    kv_tokens: Mapping[int, int]
    slow: float = 1.0
    transfer_per_token: float = 0.0
    groups: int = 1

    def seconds(self, batch: Batch) -> float:
        """Return the time of an iteration in the worst case that is planned for."""
        return self.cost.seconds(batch) * self.slow


class Iteration:
    """Times of a replica with a batch of decodes and a token budget."""

    def __init__(self, room: Room, decodes: int, budget: int | None, context: float) -> None:
        self.decodes = decodes
        self._room = room
        self._chunk = 0 if budget is None else budget - decodes
        self._steady = Batch.decode(decodes, round(decodes * context))
        self._t0 = room.seconds(self._steady) if decodes else 0.0
        self._with_chunk: dict[str, float] = {}
        self._added: dict[str, float] = {}

    def _chunk_seconds(self, load: Load) -> float:
        """Seconds of an iteration with a full chunk of such prompts, in the mean."""
        if load.demand not in self._with_chunk:
            self._with_chunk[load.demand] = sum(
                share * self._room.seconds(self._steady + batch)
                for share, batch in self._packed(load)
            )
        return self._with_chunk[load.demand]

    def _packed(self, load: Load) -> list[Packed]:
        """Return the prompts of full iterations.

        Where nothing is spread over groups times are about linear in what an iteration has, and its
        mean stands for all.
        """
        if self._room.groups == 1:
            return [Packed(1.0, _mean_chunk(self._chunk, load))]
        return load.stream.packed(self._chunk, self._room.groups)

    def prompt_seconds(self, load: Load) -> float:
        """Seconds of iterations with chunks that a prompt of the load takes, in the mean."""
        return load.new / self._chunk * self._chunk_seconds(load) if self._chunk else 0.0

    def busy(self, load: Load, role: Role) -> float:
        """Seconds of the replica that a request takes."""
        prompt = self.prompt_seconds(load)
        if role == "prefill":
            return prompt
        decode = load.steps * self._t0 / self.decodes
        if role == "decode":
            return max(decode, 1e-9)
        return max(prompt, decode + self.added_seconds(load))

    def added_seconds(self, load: Load) -> float:
        """Seconds that a prompt adds to iterations with decodes, in the mean.

        Prompts begin as places in the batch become free: ``B`` in as many iterations as a request
        is in. Those of requests that do not decode fill the iterations.
        """
        if load.demand not in self._added:
            begun = self.decodes / (load.steps + max(1.0, load.new / self._chunk))
            if not load.steps or begun * load.new >= self._chunk:
                extra = self._chunk_seconds(load) - self._t0
                self._added[load.demand] = extra * load.new / self._chunk
            else:
                packed = load.stream.packed(self._chunk, self._room.groups, begun)
                extra = sum(
                    share * (self._room.seconds(self._steady + batch) - self._t0)
                    for share, batch in packed
                )
                computed = sum(share * batch.new_tokens for share, batch in packed)
                self._added[load.demand] = extra * load.new / computed
        return self._added[load.demand]

    def tpot(self, load: Load, total: float, adding: float) -> float:
        """Time between tokens that the share of requests of its target stays within.

        Prompts of others come between its steps: their number is Poisson. Of its time the replica
        spends the share ``adding`` on what prompts add to iterations.
        """
        if not self._chunk or load.steps == 0:
            return self._t0
        between = total * load.steps * self._t0 / (1 - adding)
        _, share = load.targets.get("tpot", (inf, 0.5))
        spread = sqrt(between * (1 + load.prompt_scv))
        count = max(0.0, between + NormalDist().inv_cdf(share) * spread)
        delay = self.added_seconds(load) * count / load.steps
        return min(self._chunk_seconds(load), self._t0 + delay)

    def first_token(self, load: Load, role: Role) -> float:
        """Time to the first token without a queue, of a long prompt when the batch is full."""
        share = _length_share(load, _first_share(load))
        new, reused = load.long_prompt(share)
        full, rest = divmod(new, self._chunk)
        seconds = 0.0
        if full:
            each = _chunk(self._chunk, new, reused)
            seconds += full * self._room.seconds(self._steady + each)
        if rest:
            last = Batch.prefill(ceil(rest), round(new - rest + reused))
            seconds += self._room.seconds(self._steady + last)
        if role == "prefill":
            seconds += (new + reused) * self._room.transfer_per_token
        # A prompt that shares its iteration waits for the end of one that is as full.
        return seconds + (self._chunk_seconds(load) if self._chunk > load.new else self._t0)

    def prompts_at_once(self, loads: Sequence[Load]) -> int:
        """Return how many prompts an iteration may hold, so that short ones fill it as well."""
        return max(_filling(self._chunk / load.new, load.prompt_scv) for load in loads)

    def typical(self, load: Load, role: Role) -> Batch:
        """Return a batch that stands for its work."""
        if role == "decode":
            return self._steady
        mean = self._chunk_seconds(load)
        batches = [self._steady + batch for _, batch in self._packed(load)]
        return min(batches, key=lambda batch: abs(self._room.seconds(batch) - mean))


def _mean_chunk(tokens: float, load: Load) -> Batch:
    """Return an iteration's share of a load's prompts, in the mean over their tokens."""
    return _chunk(tokens, load.new, load.reused, load.prompt_scv)


def _filling(prompts: float, scv: float) -> int:
    """Return how many prompts to hold to fill the work of so many mean ones nearly always.

    The least ``n`` with ``n - z * sqrt(n * scv) >= prompts``.
    """
    spread = _NEARLY_ALWAYS * sqrt(scv)
    return max(1, ceil(prompts + spread * (spread + sqrt(spread**2 + 4 * prompts)) / 2))


def _chunk(tokens: float, new: float, reused: float, scv: float = 0.0) -> Batch:
    """Return an iteration's share of prompts of so many new tokens behind so many reused ones."""
    earlier = before(new, reused, scv)
    pairs = tokens * (earlier + 1 / 2)
    if tokens >= new:
        prompts = max(1, round(tokens / new))
        return Batch(round(tokens), prompts, round(prompts * reused), pairs)
    return Batch(round(tokens), 1, round(max(0.0, earlier - tokens / 2)), pairs)


def _length_share(load: Load, share: float) -> float:
    """Share of prompts that count, so that together with the wait the target's share is kept."""
    return share if load.prompt_scv == 0 else sqrt(share)


def _first_share(load: Load) -> float:
    named = [load.targets[metric][1] for metric in ("ttft", "e2e") if metric in load.targets]
    return max(named, default=0.5)
