"""JITServe: which requests run when not all can keep their limits.

JITServe (arXiv 2504.20068) serves chat that is read as it comes, answers that are due as a whole,
and longer tasks, and chooses every 50 steps the batch that earns most for its time. Here the three
kinds come in equal numbers, with lengths drawn and known to all policies that use them; the paper
predicts them and reports to be within 3 to 9 % of knowing them. Tasks of several calls are taken
as single answers with a longer limit. At the rates shown some limits have to be broken.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario
from scheduling.scenarios.serving_loads import certified_gap
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo, measure
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.strategy import Setting
from scheduling.simulator.requests.streams import stream

POLICIES = ("vllm", "edf-batch", "ltr", "las", "jitserve", "jitserve-released")

_REQUESTS = 600
_SEATS = 32
_RATES = (4.0, 6.0)
_KV_TOKENS = 200_000
_PUBLISHED = "1.4 to 6.3 times the goodput"
_LIMITS = {
    "chat": Slo(ttft_seconds=2.0, tpot_seconds=0.1),
    "answer": Slo(e2e_seconds=20.0),
    "task": Slo(e2e_seconds=60.0),
}
_MEDIANS = {"chat": (200, 250), "answer": (600, 350), "task": (1500, 700)}


@cache
def _cost() -> CostModel:
    return replica_cost(llm("llama-3.1-8b"), gpu("a100-80gb-sxm"), Layout(), Precision())


def requests(rate: float, seed: int) -> RequestTable:
    """Draw the three kinds in equal numbers at a rate."""
    draws = stream(seed, "jitserve")
    kinds = draws.integers(0, 3, _REQUESTS)
    medians = np.array(list(_MEDIANS.values()))[kinds]
    prompts, answers = np.rint(medians.T * draws.lognormal(0, 0.6, (2, _REQUESTS)))
    arrivals = np.cumsum(draws.exponential(1e9 / rate, _REQUESTS)).astype(np.int64)
    return RequestTable(
        arrivals,
        np.clip(prompts, 4, 8000).astype(np.int64),
        np.clip(answers, 2, 4000).astype(np.int64),
        kinds,
        np.zeros(_REQUESTS, np.int64),
        tuple(_LIMITS),
    )


def on_time(name: str, table: RequestTable) -> tuple[int, float | None]:
    """Return how many requests keep all their limits under a policy, and the certified gap."""
    limits = list(_LIMITS.values())
    setting = Setting(
        table,
        _cost(),
        tuple(one.ttft_seconds for one in limits),
        12_000,
        4000,
        e2e_seconds=tuple(one.e2e_seconds for one in limits),
        tpot_seconds=tuple(one.tpot_seconds for one in limits),
    )
    chosen = strategy(name, setting)
    group = Group(
        "server",
        _cost(),
        _KV_TOKENS,
        max_sequences=_SEATS,
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    run = simulate_fleet(Deployment((group,)), table)
    shares = [one.attainment for one in measure(run, _LIMITS).demands]
    counts = np.bincount(table.demand, minlength=len(shares)).tolist()
    kept = (share.value * count for share, count in zip(shares, counts, strict=True) if share)
    return round(float(sum(kept))), certified_gap(group, run, "in-slo", _LIMITS)


def run(limits: Run) -> list[Row]:
    """Run all policies at each rate and compare them with first come, first served."""
    del limits
    rows = []
    for rate in _RATES:
        table = requests(rate, seed=0)
        found = {name: on_time(name, table) for name in POLICIES}
        base, *others = POLICIES
        rows += [
            Row(
                case=f"{_REQUESTS} requests of three kinds, {rate:g} a second, {_SEATS} seats",
                measure="requests that keep their limits",
                baseline=f"{base}, first come",
                baseline_value=float(found[base][0]),
                method=name,
                value=float(found[name][0]),
                gap=found[name][1],
                published=_PUBLISHED if name == "jitserve" else None,
                verdict=f"{found[name][0] / _REQUESTS:.0%} of all",
            )
            for name in others
        ]
    return rows


SCENARIO = Scenario(
    name="jitserve",
    system="JITServe: batches that earn most under mixed limits (arXiv 2504.20068)",
    wants="nothing: a model and a GPU of the catalogue, drawn requests",
    run=run,
)
