"""BurstGPT: what bursts of requests do to a service of the same mean load.

BurstGPT (Wang et al., KDD 2025, arXiv 2401.17644) finds times between requests that a Gamma
distribution describes, with burstiness that changes by service and hour, and lengths that Poisson
benchmarks miss. Here requests are drawn with Gamma arrivals of growing variation and fitted again;
a replica serves them at one mean rate; and the waits of a prefill server are compared with
Hayward's approximation, which the planner's ceilings rest on.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.arrivals import GammaArrivals
from scheduling.models.requests.fitting import fit
from scheduling.models.requests.lengths import FixedLength, LognormalLength
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample
from scheduling.models.serving.queueing import Queue
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.run import FleetRun

BURSTINESS = (1.0, 2.0, 4.0)
"""Coefficients of variation of the times between arrivals; 1 is a Poisson process."""

_REQUESTS = 4000
_RATE = 6.0
_SERVICE_SECONDS = 0.1
_LOAD = 0.7
_MODEL, _GPU = "llama-3.1-8b", "a100-80gb-sxm"
_GAMMA = "times between requests follow a Gamma distribution (arXiv 2401.17644)"


def bursty(cv: float, rate: float = _RATE, requests: int = _REQUESTS) -> RequestTable:
    """Draw chats with Gamma arrivals: median prompt 280 tokens, answer 150, long tails."""
    entry = RequestClass(
        arrivals=GammaArrivals(rate=rate, cv=cv),
        prompt=LognormalLength(median=280, sigma=1.1, at_most=8000),
        output=LognormalLength(median=150, sigma=0.9, at_most=2000),
    )
    return sample(Workload(classes=(entry,)), requests=requests, seed=1)


def run(limits: Run) -> list[Row]:
    """Fit bursts again, serve them, and compare their waits with the formula."""
    del limits
    tables = {cv: bursty(cv) for cv in BURSTINESS}
    served = {cv: _served(table) for cv, table in tables.items()}
    waits = [_wait_row(cv) for cv in BURSTINESS[1:]]
    return [_fit_row(tables[BURSTINESS[-1]]), *_latency_rows(served), *waits]


def _served(table: RequestTable) -> FleetRun:
    model, card = llm(_MODEL), gpu(_GPU)
    cost = replica_cost(model, card, Layout(), Precision())
    capacity = kv_capacity(model, card, Layout(), Precision()) or 1
    group = Group("replica", cost, capacity, composition=Sarathi(tokens=2048))
    return simulate_fleet(Deployment((group,)), table)


def _fit_row(table: RequestTable) -> Row:
    far = {entry.law: entry for entry in fit(table).distances if entry.of == "gaps"}
    return Row(
        case=f"{len(table)} requests with Gamma arrivals, cv {BURSTINESS[-1]:g}, fitted again",
        measure="distance of the fitted law (Kolmogorov and Smirnov)",
        baseline="Poisson",
        baseline_value=far["poisson"].distance,
        method="Gamma",
        value=far["gamma"].distance,
        gap=None,
        published=_GAMMA,
        verdict="taken" if far["gamma"].taken else "not taken",
    )


def _latency_rows(served: dict[float, FleetRun]) -> list[Row]:
    steady, *others = BURSTINESS
    tails = {cv: float(np.quantile(one.ttft_seconds, 0.99)) for cv, one in served.items()}
    means = {cv: float(one.ttft_seconds.mean()) for cv, one in served.items()}
    return [
        Row(
            case=f"llama-3.1-8b on an A100 at {_RATE:g} requests/s, cv {cv:g}",
            measure="99th percentile of TTFT in seconds",
            baseline="Poisson arrivals of the same rate",
            baseline_value=tails[steady],
            method="Gamma arrivals",
            value=tails[cv],
            gap=None,
            published=None,
            verdict=f"the mean grows {means[cv] / means[steady]:.1f} times",
        )
        for cv in others
    ]


def _wait_row(cv: float) -> Row:
    """Serve equal prompts one at a time, so that the replica is the formula's server."""
    rate = _LOAD / _SERVICE_SECONDS
    entry = RequestClass(
        arrivals=GammaArrivals(rate=rate, cv=cv),
        prompt=FixedLength(tokens=1000),
        output=FixedLength(tokens=1),
    )
    table = sample(Workload(classes=(entry,)), requests=10 * _REQUESTS, seed=1)
    cost = Affine(base=0.0, per_token=_SERVICE_SECONDS / 1000)
    server = Group("server", cost, 10_000, max_sequences=1, composition=Sarathi(tokens=1000))
    seen = float(simulate_fleet(Deployment((server,)), table).queue_seconds.mean())
    formula = Queue(1, rate, _SERVICE_SECONDS, 0.0, arrival_scv=cv**2).mean_wait
    return Row(
        case=f"prompts of {_SERVICE_SECONDS:g} s at a load of {_LOAD:g}, cv {cv:g}",
        measure="mean seconds in the queue",
        baseline="Hayward's approximation",
        baseline_value=formula,
        method="simulated",
        value=seen,
        gap=None,
        published=None,
        verdict=f"{seen / formula:.2f} of the approximation" if formula else "no wait",
    )


SCENARIO = Scenario(
    name="burstgpt",
    system="BurstGPT: a workload of bursts (Wang et al., KDD 2025, arXiv 2401.17644)",
    problem="fit and effect of bursty arrivals",
    wants="nothing: a model and a GPU of the catalogue, drawn requests",
    run=run,
    targets=(Target(("Kolmogorov",), at_most=1),),
)
