"""Layered prefill: prompts pass a mixture of experts by groups of layers instead of in chunks.

Layered prefill (arXiv 2510.08055) reads the experts of a layer once for a prompt, where chunked
prefill reads them once for each chunk. Lengths are drawn about the medians and 90th percentiles
that Sarathi-Serve published of the two data sets, with Poisson arrivals; times are those of the
cost model of the catalogue's model and GPUs, and experts are met evenly. What the paper measured
was real routing on real GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import efficiency_of
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import CostModel
from scheduling.models.cost.work import touched_experts
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import certified_gap, published_requests
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.certify import Objective
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.layered import LayeredPrefill
from scheduling.simulator.requests.policy import Composition
from scheduling.simulator.requests.run import FleetRun

_MODEL = "qwen3-30b-a3b"
_REQUESTS = 300
_SEQUENCES = 128
_CHUNK = 512
_OBJECTIVES: tuple[Objective, ...] = ("ttft", "e2e")


@dataclass(frozen=True, slots=True)
class _Load:
    """Requests of one data set at a rate, and what was published of them."""

    lengths: str
    rate: float
    loads: str
    first: str | None
    last: str | None


_LOADS = (
    _Load("arxiv", 1.3, "39 % less", "up to 70 % shorter", "41 % shorter"),
    _Load("sharegpt", 1.5, "12 % less", None, None),
)


def expert_bytes(run: FleetRun) -> float:
    """Return the bytes of routed experts that all passes of a run read."""
    model = llm(_MODEL)
    touched = sum(
        times * touched_experts(model, tokens)
        for instance in run.instances
        for tokens, times in instance.tally.passes.items()
    )
    return 2.0 * model.expert_parameters * touched


@cache
def _server() -> tuple[CostModel, int]:
    model, card, layout, precision = llm(_MODEL), gpu("h100-sxm"), Layout(tp=2), Precision()
    # The vLLM that the paper compares with captures graphs of mixed batches too.
    terms = efficiency_of("vllm").model_copy(update={"launch_seconds": 0.0})
    cost = replica_cost(model, card, layout, precision, terms=terms)
    return cost, kv_capacity(model, card, layout, precision) or 0


def _group(policy: Composition) -> Group:
    cost, kv_tokens = _server()
    return Group("server", cost, kv_tokens, max_sequences=_SEQUENCES, composition=policy)


def served(policy: Composition, requests: RequestTable) -> FleetRun:
    """Run requests on two H100."""
    return simulate_fleet(Deployment((_group(policy),)), requests)


def run(limits: Run) -> list[Row]:
    """Serve both data sets with chunks and by layers."""
    del limits
    rows = []
    for load in _LOADS:
        requests = at_rate(published_requests(load.lengths, _REQUESTS, seed=0), load.rate)
        chunked = served(Sarathi(_CHUNK), requests)
        layered = served(LayeredPrefill(), requests)
        rows += _rows(load, chunked, layered)
    return rows


def _rows(load: _Load, chunked: FleetRun, layered: FleetRun) -> list[Row]:
    case = f"{_REQUESTS} requests like {load.lengths}, {load.rate:g} a second, 2 H100"
    group = _group(LayeredPrefill())
    ttft, e2e = (certified_gap(group, layered, name) for name in _OBJECTIVES)
    figures = (
        ("expert weights read, TB", expert_bytes, 1e12, load.loads, None),
        ("mean TTFT in seconds", lambda one: one.ttft_seconds.mean(), 1.0, load.first, ttft),
        ("mean E2E in seconds", lambda one: one.e2e_seconds.mean(), 1.0, load.last, e2e),
    )
    return [
        Row(
            case=case,
            measure=measure,
            baseline=f"chunks of {_CHUNK}",
            baseline_value=float(figure(chunked)) / unit,
            method="layered prefill",
            value=float(figure(layered)) / unit,
            gap=gap,
            published=published,
            verdict=f"{1 - float(figure(layered)) / float(figure(chunked)):.0%} less",
        )
        for measure, figure, unit, published, gap in figures
    ]


SCENARIO = Scenario(
    name="layered-prefill",
    system="Layered prefill for mixtures of experts (arXiv 2510.08055)",
    problem="prefill by groups of layers, least expert loads",
    wants="nothing: a model and a GPU of the catalogue, drawn lengths",
    run=run,
    targets=(
        Target(("like arxiv", "expert weights"), at_least=0.58, at_most=0.64, better="less"),
        Target(("like sharegpt", "expert weights"), at_least=0.84, at_most=0.92, better="less"),
        Target(("like arxiv", "E2E"), at_least=0.54, at_most=0.7, better="less"),
    ),
)
