"""Sarathi-Serve: how many tokens an iteration may have.

Sarathi-Serve (OSDI 2024) fills iterations with chunks of prompts up to a budget, chosen once by
profiling: the largest one with which an iteration beside a full batch of decodes keeps the limit
on the time between tokens. A fleet's simulator then tells the most requests a second for which
the 99th percentile of that time keeps the limit and the median request begins within two seconds.
All budgets are tried to see what the rule gives away, and no schedule serves more than the bound:
tokens a second at the batch size where the cost model is fastest, with no context to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch, CostModel, Line, Provenance
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import PrefillFirst, Sarathi

BUDGETS = (128, 256, 512, 1024, 1536, 2048, 4096)
"""Budgets that are tried: multiples of the tile of matrix products."""

_SEQUENCES = 128
_CONTEXT = 2000
_REQUESTS = (100, 300)
"""Of each simulation, as many as the time allows; about 100 are run."""

_HALVINGS = 6
_QUEUE_SECONDS = 2.0
_SLOS = {"strict": 0.1, "relaxed": 0.5}
_PUBLISHED = "2.6 times the capacity of vLLM (Mistral-7B on an A100)"
_LARGEST, _TILE = 16384, 64


@dataclass(slots=True)
class Recorded:
    """A cost model that keeps the time between the tokens of running requests.

    Attributes
    ----------
    cost
        The times.
    gaps, weights
        Seconds from one iteration with decodes to the end of the next, and its decodes.
    """

    cost: CostModel
    gaps: list[float] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    passed: float = 0.0

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration, and keep it."""
        taken = self.cost.seconds(batch)
        self.passed += taken
        if batch.decodes:
            self.gaps.append(self.passed)
            self.weights.append(batch.decodes)
            self.passed = 0.0
        return taken

    def provenance(self, batch: Batch) -> Provenance:
        """Tell where that time comes from."""
        return self.cost.provenance(batch)

    def line(self, batch: Batch) -> Line | None:
        """Return no line, so that every iteration is asked for."""
        del batch
        return None

    def quantile(self, share: float) -> float:
        """Return the time between tokens that this share of all tokens keeps."""
        if not self.gaps:
            return 0.0
        order = np.argsort(self.gaps)
        mass = np.cumsum(np.array(self.weights)[order])
        place = int(np.searchsorted(mass, share * mass[-1]))
        return float(np.array(self.gaps)[order][min(place, len(order) - 1)])


@dataclass(frozen=True, slots=True)
class Server:
    """One replica: times, KV tokens, and the lengths of its requests."""

    cost: CostModel
    kv_tokens: int
    prompts: NDArray[np.int64]
    outputs: NDArray[np.int64]
    spacing: NDArray[np.float64]

    def table(self, rate: float) -> RequestTable:
        """Return the requests at a rate."""
        arrivals = (np.cumsum(self.spacing) / rate * 1e9).astype(np.int64)
        zeros = np.zeros(len(arrivals), np.int64)
        return RequestTable(arrivals, self.prompts, self.outputs, zeros, zeros)

    def keeps(self, rate: float, policy: Sarathi | PrefillFirst, slo: float) -> bool:
        """Tell whether both limits hold at a rate."""
        recorded = Recorded(self.cost)
        group = Group(
            "replica",
            recorded,
            self.kv_tokens,
            max_sequences=_SEQUENCES,
            composition=policy,
        )
        run = simulate_fleet(Deployment((group,)), self.table(rate))
        late = float(np.median(run.queue_seconds)) > _QUEUE_SECONDS
        return not late and recorded.quantile(0.99) <= slo

    def capacity(self, policy: Sarathi | PrefillFirst, slo: float) -> float:
        """Return the largest rate that keeps both limits, by halving up to the bound."""
        low, high = 0.0, self.bound
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.keeps(middle, policy, slo) else (low, middle)
        return low

    @property
    def bound(self) -> float:
        """Most requests a second of any schedule.

        An iteration takes at least as long as one of its tokens without context, as times grow with
        context; so no iteration passes more tokens a second than the fastest of those. All tokens
        of the requests but the first of each answer are passed, and queues stay bounded.
        """
        sizes = range(_TILE, _LARGEST + 1, _TILE)
        fastest = max(size / self.cost.seconds(Batch(size, 1)) for size in sizes)
        tokens = float((self.prompts + self.outputs - 1).mean())
        return fastest / tokens

    def rule(self, slo: float) -> int:
        """Return the largest budget with which a full batch of decodes keeps the limit."""
        decodes = Batch.decode(_SEQUENCES, _SEQUENCES * _CONTEXT)
        fitting = [
            budget
            for budget in BUDGETS
            if self.cost.seconds(Batch.prefill(max(budget - _SEQUENCES, 1)) + decodes) <= slo
        ]
        return max(fitting, default=BUDGETS[0])


def server(seed: int = 0, requests: int = _REQUESTS[-1]) -> Server:
    """Return Mistral-7B on an A100 with drawn chats: median prompt 1730 tokens, answer 415."""
    rng = np.random.default_rng(seed)
    model, card = llm("mistral-7b"), gpu("a100-80gb-sxm")
    prompts = np.clip(rng.lognormal(np.log(1730), 0.8, requests), 16, 8000).astype(np.int64)
    outputs = np.clip(rng.lognormal(np.log(415), 0.6, requests), 4, 2000).astype(np.int64)
    capacity = kv_capacity(model, card, Layout(), Precision()) or 0
    cost = replica_cost(model, card, Layout(), Precision())
    return Server(cost, capacity, prompts, outputs, rng.exponential(1.0, requests))


def run(limits: Run) -> list[Row]:
    """Compare the rule's budget with all budgets and with whole prompts first."""
    return limits.largest(_REQUESTS, _rows)


def _rows(requests: int) -> list[Row]:
    one = server(requests=requests)
    return [_row(one, name, slo) for name, slo in _SLOS.items()]


def _row(one: Server, name: str, slo: float) -> Row:
    whole = one.capacity(PrefillFirst(), slo)
    tried = {budget: one.capacity(Sarathi(tokens=budget), slo) for budget in BUDGETS}
    chosen = one.rule(slo)
    best = max(tried, key=lambda budget: tried[budget])
    return Row(
        case=f"Mistral-7B on an A100, {len(one.prompts)} chats, {name} limit of {slo} s between "
        "tokens",
        measure="requests a second",
        baseline="whole prompts first (vLLM)",
        baseline_value=whole,
        method=f"Sarathi, budget {chosen} by the rule",
        value=tried[chosen],
        gap=1 - tried[chosen] / one.bound,
        published=_PUBLISHED,
        verdict=f"the best budget of {len(BUDGETS)}, {best}, serves {tried[best]:.2f}",
    )


SCENARIO = Scenario(
    name="sarathi-budget",
    system="Sarathi-Serve: chunked prefills and their token budget (OSDI 2024)",
    problem="token budget of chunked prefill",
    wants="nothing: a model and a GPU of the catalogue, drawn chats",
    run=run,
    targets=(
        Target(("strict limit",), at_least=2.4, at_most=2.8, better="more"),
        Target(("relaxed limit",), at_least=1),
    ),
)
