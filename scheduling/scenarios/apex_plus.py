"""APEX+: parallel plans of one node, ranked by simulation, beside three that were measured.

APEX+ (arXiv 2411.17651) simulates a trace on every plan of data, pipeline and tensor parallelism
and takes the fastest. Here all plans of eight GPUs whose weights and caches fit are simulated with
the roofline, nothing fitted; vLLM's measurements of Llama-3.1-70B on 8 H100 tell whether three of
them are ranked as they are. No plan can be faster than each request alone on the plan that is
fastest for it, which bounds the mean.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO

import numpy as np

from scheduling.instances.files import read_text
from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet

_FOLDER = "gpu-profiles/apex-plus"
MEASURED = f"{_FOLDER}/measured_plans_8xH100_llama.csv"
TRACES = {
    ("creation", "0.25"): f"{_FOLDER}/trace_llama_creation_025.csv",
    ("creation", "0.5"): f"{_FOLDER}/trace_llama_creation_05.csv",
    ("lmsys", "0.25"): f"{_FOLDER}/trace_llama_lmsys_025.csv",
    ("lmsys", "0.5"): f"{_FOLDER}/trace_llama_lmsys_05.csv",
}

NODE = 8
_MODEL, _GPU, _ENGINE = "llama-3.1-70b", "h100-sxm", "vllm"
_HEURISTIC = "8TP"
_PUBLISHED = "up to 3.37 times faster than the heuristic plan"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of a node: copies of the model, and the layout of each."""

    dp: int
    layout: Layout

    def __str__(self) -> str:
        """Write it as APEX+ does, such as ``2DP4TP``."""
        named = ((self.dp, "DP"), (self.layout.pp, "PP"), (self.layout.tp, "TP"))
        return "".join(f"{degree}{name}" for degree, name in named if degree > 1)


@dataclass(frozen=True, slots=True)
class Times:
    """Mean seconds to the first token, from token to token, and of whole requests."""

    ttft: float
    tpot: float
    e2e: float = 0.0


def plans() -> list[tuple[Plan, CostModel, int]]:
    """Return all plans that fit, with the cost and the KV tokens of one copy."""
    model, card, precision = llm(_MODEL), gpu(_GPU), Precision()
    found = []
    degrees = [1, 2, 4, 8]
    for dp, pp, tp in ((dp, pp, tp) for dp in degrees for pp in degrees for tp in degrees):
        layout = Layout(tp=tp, pp=pp)
        capacity = kv_capacity(model, card, layout, precision)
        if dp * pp * tp == NODE and capacity:
            cost = replica_cost(model, card, layout, precision, engine=_ENGINE)
            found.append((Plan(dp, layout), cost, capacity))
    return found


def simulated(plan: Plan, cost: CostModel, capacity: int, requests: RequestTable) -> Times:
    """Run a trace on a plan; its copies take turns, as in the measurements."""
    group = Group("node", cost, capacity, replicas=plan.dp)
    run = simulate_fleet(Deployment((group,)), requests, router="round-robin")
    steps = np.maximum(requests.output_tokens - 1, 1)
    per_token = (run.e2e_seconds - run.ttft_seconds) / steps
    longer = requests.output_tokens > 1
    return Times(
        float(np.nanmean(run.ttft_seconds)),
        float(np.nanmean(per_token[longer])),
        float(np.nanmean(run.e2e_seconds)),
    )


def alone(cost: CostModel, requests: RequestTable) -> np.ndarray:
    """Return for each request its seconds on an instance that has no other."""
    found = np.empty(len(requests))
    rows = zip(requests.prompt_tokens.tolist(), requests.output_tokens.tolist(), strict=True)
    for row, (prompt, output) in enumerate(rows):
        # Steps take longer as the context grows, so that none is faster than the first.
        step = cost.seconds(Batch.decode(1, prompt + 1))
        found[row] = cost.seconds(Batch.prefill(prompt)) + (output - 1) * step
    return found


def measured(text: str) -> dict[tuple[str, str], dict[str, Times]]:
    """Return the measured means of each workload and rate by plan; copies weigh by requests."""
    parts: dict[tuple[str, str], dict[str, list[tuple[float, float, float]]]] = {}
    for row in csv.DictReader(StringIO(text)):
        case = parts.setdefault((row["workload"], row["arrival_rate_rps"]), {})
        shard = (float(row["requests"]), float(row["mean_ttft_s"]), float(row["mean_tpot_s"]))
        case.setdefault(row["plan"], []).append(shard)
    return {
        case: {plan: _weighted(shards) for plan, shards in by_plan.items()}
        for case, by_plan in parts.items()
    }


def _weighted(shards: list[tuple[float, float, float]]) -> Times:
    total = sum(count for count, _, _ in shards)
    ttft = sum(count * first for count, first, _ in shards) / total
    return Times(ttft, sum(count * step for count, _, step in shards) / total)


def ranking(times: Mapping[str, Times], plans_: Iterable[str], field: str) -> list[str]:
    """Return plans by rising time."""
    return sorted(plans_, key=lambda plan: float(getattr(times[plan], field)))


def run(limits: Run) -> list[Row]:
    """Simulate every plan on each trace and compare with what was measured."""
    truth = measured(read_text(limits.file("apex-plus", MEASURED))[0])
    found = plans()
    rows = []
    for (workload, rate), file in TRACES.items():
        requests = read_requests(limits.file("apex-plus", file)).table
        times = {str(plan): simulated(plan, cost, room, requests) for plan, cost, room in found}
        floor = float(np.min([alone(cost, requests) for _, cost, _ in found], axis=0).mean())
        best = min(times, key=lambda name: times[name].e2e)
        rows.append(
            Row(
                case=f"{workload} at {rate} requests a second, {len(found)} plans of {NODE} GPUs",
                measure="mean seconds of a request",
                baseline=_HEURISTIC,
                baseline_value=times[_HEURISTIC].e2e,
                method=f"best plan, {best}",
                value=times[best].e2e,
                gap=1 - floor / times[best].e2e,
                published=_PUBLISHED,
                verdict=_agreement(times, truth[workload, rate]),
            )
        )
    return rows


def _agreement(times: Mapping[str, Times], truth: Mapping[str, Times]) -> str:
    shared = [plan for plan in truth if plan in times]
    said = []
    for field, name in (("tpot", "TPOT"), ("ttft", "TTFT")):
        same = ranking(times, shared, field) == ranking(truth, shared, field)
        errors = [
            abs(getattr(times[plan], field) / getattr(truth[plan], field) - 1) for plan in shared
        ]
        order = "as measured" if same else "not as measured"
        said.append(f"{len(shared)} plans by {name} {order}, error {np.median(errors):.0%}")
    return "; ".join(said)


SCENARIO = Scenario(
    name="apex-plus",
    system="APEX+: parallel plans by simulation (arXiv 2411.17651)",
    problem="parallel plans ranked by simulation",
    wants=f"{MEASURED} and the traces beside it",
    run=run,
    targets=(
        Target(
            ("mean seconds of a request",),
            at_least=1 / 3.37,
            at_most=0.99,
            better="less",
            otherwise="on these traces the plan of the heuristic is the fastest",
        ),
        Target(("mean seconds of a request",), of="gap", at_most=0.1),
    ),
)
"""All plans of a node, ranked by simulation."""
