"""WRP: a pool for short requests and one for long ones, sized by queueing and tried by simulation.

The fleet simulator of the Workload-Router-Pool papers (arXiv 2603.16054, 2603.21354) chooses the
length up to which requests go to a pool with short contexts, whose GPUs hold more of them at a
time, a margin up to which longer prompts are compressed into it, and the GPUs of both pools: every
place in a batch is a server of an M/G/c queue, at most 85 % busy. The cheapest fleets are then
simulated, and the first that keeps its target counts. No fleet needs fewer GPUs than the work
itself: operations at full speed, and iterations shared by as many requests as a GPU ever holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.models.cost.work import flops
from scheduling.models.requests.table import RequestTable
from scheduling.models.serving.queueing import Queue
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import poisson_requests
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.deployment import Deployment, Flow, Group
from scheduling.simulator.requests.fleet import simulate_fleet

LENGTHS = "llm_lengths/sharegpt_8k_llama2.csv"

_MODEL, _GPU = "llama-3.1-8b", "a100-80gb"
_PRECISION = Precision()
_RATE = 200.0
_TTFT = 2.0
_SHARE = 0.99
_MOST_BUSY = 0.85
_SEQUENCES = 256
_WINDOW = 8192
"""Tokens of context that a pool for everything is configured for."""

_SPLITS = (512, 768, 1024, 1536, 2048, 3072, 4096)
_MARGINS = (1.0, 1.1, 1.2, 1.5, 2.0)
_TRIED = 6
_SAMPLE = 500
"""Prompts whose times are averaged."""

_REQUESTS = (4000, 12_000, 40_000)
"""Requests of each simulation, as many as the time allows."""

_PUBLISHED = "in its simulator's own example, the margin cheapest by formula fails, the next passes"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """Equal GPUs that each hold ``slots`` requests of at most ``window`` tokens."""

    window: int
    slots: int
    gpus: int


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Two pools, or one; requests up to ``margin`` times the split go to the first."""

    split: int
    margin: float
    pools: tuple[PoolPlan, ...]

    @property
    def gpus(self) -> int:
        """GPUs in all."""
        return sum(pool.gpus for pool in self.pools)

    def __str__(self) -> str:
        """Write it for people."""
        if len(self.pools) == 1:
            return f"one pool of {self.gpus}"
        first, second = self.pools
        return f"{first.gpus} up to {self.split} tokens, margin {self.margin:g}, and {second.gpus}"


def replica() -> tuple[CostModel, int]:
    """Return the cost of one GPU and the tokens that it holds."""
    model, card = llm(_MODEL), gpu(_GPU)
    capacity = kv_capacity(model, card, Layout(), _PRECISION) or 0
    return replica_cost(model, card, Layout(), _PRECISION), capacity


def sized(
    cost: CostModel, capacity: int, served: RequestTable, rate: float, window: int
) -> PoolPlan:
    """Return the fewest GPUs whose places keep the TTFT target by the formula of M/G/c."""
    slots = max(1, min(_SEQUENCES, capacity // window))
    context = int((served.prompt_tokens + served.output_tokens / 2).mean())
    step = cost.seconds(Batch.decode(slots, slots * context))
    sample = served.prompt_tokens[:_SAMPLE]
    filling = np.array([cost.seconds(Batch.prefill(int(prompt))) for prompt in sample])
    first = float(filling.mean())
    left = _TTFT - float(np.quantile(filling, _SHARE)) - step
    gpus = ceil(rate * first / _MOST_BUSY)
    while True:
        # While a GPU fills prompts, none of its answers goes on.
        pace = step / (1 - rate * first / gpus)
        service = first + served.output_tokens * pace
        mean, scv = float(service.mean()), float(service.var() / service.mean() ** 2)
        queue = Queue(gpus * slots, rate, mean, scv)
        wait = queue.wait_quantile(_SHARE) if queue.utilisation <= _MOST_BUSY else None
        if wait is not None and wait <= max(left, 0.0):
            return PoolPlan(window, slots, gpus)
        gpus += 1


def divided(lengths: RequestTable, split: int, margin: float) -> tuple[RequestTable, Mask]:
    """Return the requests after compression, and whether each is short.

    Prompts of requests between the split and ``margin`` times it are cut to fit.
    """
    total = lengths.prompt_tokens + lengths.output_tokens
    room = split - lengths.output_tokens
    short = (total <= margin * split) & (room >= 1)
    cut = np.where(short & (total > split), room, lengths.prompt_tokens)
    return replace(lengths, prompt_tokens=cut), short


def fleets(cost: CostModel, capacity: int, lengths: RequestTable, rate: float) -> list[FleetPlan]:
    """Return fleets for every split and margin, the cheapest first, and one pool for everything."""
    whole = sized(cost, capacity, lengths, rate, _WINDOW)
    found = [FleetPlan(_WINDOW, 1.0, (whole,))]
    for split in _SPLITS:
        for margin in _MARGINS:
            table, short = divided(lengths, split, margin)
            share = float(short.mean())
            if not 0 < share < 1:
                continue
            pools = (
                sized(cost, capacity, _rows(table, short), rate * share, split),
                sized(cost, capacity, _rows(table, ~short), rate * (1 - share), _WINDOW),
            )
            found.append(FleetPlan(split, margin, pools))
    return sorted(found, key=lambda plan: (plan.gpus, plan.margin, plan.split))


def _rows(table: RequestTable, chosen: Mask) -> RequestTable:
    """Return some requests."""
    return RequestTable(
        table.arrival_ns[chosen],
        table.prompt_tokens[chosen],
        table.output_tokens[chosen],
        table.demand[chosen],
        table.cached_tokens[chosen],
        table.demands,
    )


def least_gpus(cost: CostModel, capacity: int, lengths: RequestTable, rate: float) -> float:
    """Return GPUs that no fleet of such GPUs can do with, whatever its pools.

    A prompt takes its operations at full speed, as short as it may be cut. An answer's token takes
    at least its share of the iteration that most requests share, at the shortest context.
    """
    model, card = llm(_MODEL), gpu(_GPU)
    peak = card.flops["bf16"]
    cuts = [divided(lengths, split, max(_MARGINS))[0].prompt_tokens for split in _SPLITS]
    shortest = np.min([lengths.prompt_tokens, *cuts], axis=0)[:_SAMPLE]
    filling = np.mean([flops(model, Batch.prefill(int(prompt))) for prompt in shortest]) / peak
    counts = range(1, min(_SEQUENCES, capacity) + 1)
    token = min(cost.seconds(Batch.decode(count, count)) / count for count in counts)
    return rate * (float(filling) + float(lengths.output_tokens.mean()) * token)


def kept(plan: FleetPlan, cost: CostModel, capacity: int, requests: RequestTable) -> float:
    """Return the share of the requests whose first token comes in time in a simulation."""
    if len(plan.pools) == 1:
        only = plan.pools[0]
        group = Group("all", cost, capacity, replicas=only.gpus, max_sequences=only.slots)
        run = simulate_fleet(Deployment((group,)), requests)
    else:
        table, short = divided(requests, plan.split, plan.margin)
        names = ("short", "long")
        table = replace(table, demand=np.where(short, 0, 1), demands=names)
        groups = tuple(
            Group(name, cost, capacity, replicas=pool.gpus, max_sequences=pool.slots)
            for name, pool in zip(names, plan.pools, strict=True)
        )
        run = simulate_fleet(Deployment(groups, tuple(Flow(name, name) for name in names)), table)
    return float((run.ttft_seconds <= _TTFT).mean())


def run(limits: Run) -> list[Row]:
    """Size all fleets, simulate the cheapest until one keeps its target, and compare."""
    lengths = read_requests(limits.file("wrp", LENGTHS)).table
    lengths = _rows(lengths, lengths.prompt_tokens + lengths.output_tokens <= _WINDOW)
    cost, capacity = replica()
    found = fleets(cost, capacity, lengths, _RATE)
    single = next(plan for plan in found if len(plan.pools) == 1)

    def first(count: int) -> tuple[FleetPlan, str]:
        requests = at_rate(poisson_requests(lengths, count, seed=3), _RATE)
        return _first_that_keeps(found, cost, capacity, requests)

    chosen, tried = limits.largest(_REQUESTS, first)
    floor = ceil(least_gpus(cost, capacity, lengths, _RATE))
    return [
        Row(
            case=f"chats at {_RATE:g} requests a second, Llama-3.1-8B on A100",
            measure="GPUs",
            baseline="one pool for everything",
            baseline_value=single.gpus,
            method=f"cheapest of {len(found)} fleets that passes, {chosen}",
            value=chosen.gpus,
            gap=1 - floor / chosen.gpus,
            published=_PUBLISHED,
            verdict=tried,
        )
    ]


def _first_that_keeps(
    found: Sequence[FleetPlan], cost: CostModel, capacity: int, requests: RequestTable
) -> tuple[FleetPlan, str]:
    """Return the first fleet whose simulation keeps the target; each that fails gets GPUs."""
    failed = 0
    for plan in found[:_TRIED]:
        share = kept(plan, cost, capacity, requests)
        if share >= _SHARE:
            return plan, f"{failed} cheaper ones failed; {share:.2%} of first tokens in time"
        failed += 1
    plan, share = found[0], 0.0
    while share < _SHARE and plan.gpus < 2 * found[0].gpus:
        plan = replace(plan, pools=tuple(replace(pool, gpus=pool.gpus + 1) for pool in plan.pools))
        share = kept(plan, cost, capacity, requests)
    return plan, f"{failed} failed, so the first was re-sized; {share:.2%} in time"


SCENARIO = Scenario(
    name="wrp",
    system="Workload-Router-Pool fleet provisioning (arXiv 2603.16054, 2603.21354)",
    problem="pools of GPUs by length of context, least number",
    wants=LENGTHS,
    run=run,
    targets=(Target(("^GPUs$",), at_most=1),),
)
"""Two pools by length, sized and simulated."""
