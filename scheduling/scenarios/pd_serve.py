"""P/D-Serve: how many instances of each scenario prefill, and how many decode.

P/D-Serve (arXiv 2408.08147) groups instances by scenario, requests of like prompts and prefixes,
and gives each group its own ratio of prefill to decode instances, so that neither waits for the
other: ``n_p b_p / T_p = n_d b_d / T_d``. Here all scenarios share a fleet, and its largest common
factor of their rates is a serving problem with the goal goodput. When answers grow longer, its
rule moves instances toward the phase that takes more of the time; the problem solved anew tells
what that gives away. The scenarios are inferred, times are those of the roofline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch
from scheduling.models.serving.plan import Role
from scheduling.models.serving.problem import Demand, Pool, ServingProblem, Template
from scheduling.models.serving.solution import ServingSolution
from scheduling.scenarios.fleets import Kind, factor_of
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_MODEL, _GPU = "qwen2.5-14b", "ascend-910b"
_LAYOUT = Layout(tp=2)
_PRECISION = Precision(weights="fp16", compute="fp16", kv="fp16")
_INSTANCES = 48
_TTFT, _TPOT = 1.0, 0.05
_LARGEST = 128
_GROWTH = 2.0
_LEAST_SECONDS = 2.0
_PUBLISHED = "60 % more throughput, 6.7 times that of aggregated instances"


@dataclass(frozen=True, slots=True)
class Service:
    """A scenario: requests a second, tokens of prompt, cached prefix and answer."""

    rate: float
    prompt: int
    prefix: int
    output: int


SERVICES: Mapping[str, Service] = {
    "chat": Service(20.0, 900, 200, 300),
    "code": Service(24.0, 2400, 1200, 60),
    "summary": Service(8.0, 6000, 300, 180),
    "writing": Service(6.0, 300, 100, 900),
}
"""Scenarios that share the fleet (inferred)."""


def rates(service: Service) -> tuple[float, float, float]:
    """Return the requests a second of a prefill, a decode, and an aggregated instance.

    A prefill instance batches prompts as far as they start in time, transfers of their caches
    included; a decode instance as many requests as fit and keep their pace; an aggregated one
    takes turns.
    """
    model, card = llm(_MODEL), gpu(_GPU)
    cost = replica_cost(model, card, _LAYOUT, _PRECISION)
    capacity = kv_capacity(model, card, _LAYOUT, _PRECISION) or 0
    new = service.prompt - service.prefix
    moving = service.prompt * model.kv_bytes_per_token("fp16")
    moving /= _LAYOUT.gpus * card.network_bandwidth
    fill, one = 0.0, Batch.prefill(new, service.prefix)
    batch = one
    for count in range(1, _LARGEST + 1):
        seconds = cost.seconds(batch) + moving
        if seconds > _TTFT and count > 1:
            break
        fill = max(fill, count / seconds)
        batch += one
    context = service.prompt + service.output // 2
    most = min(_LARGEST, capacity // (service.prompt + service.output))
    decode, whole = 0.0, 0.0
    for count in range(1, most + 1):
        step = cost.seconds(Batch.decode(count, count * context))
        if step > _TPOT:
            break
        decode = count / (step * service.output)
        # Between two steps of its decodes an aggregated instance fills as many prompts as end.
        mixed = step + count / service.output * cost.seconds(one)
        if mixed <= _TPOT:
            whole = count / (mixed * service.output)
    return fill, decode, whole


def kinds(services: Mapping[str, Service]) -> list[Kind]:
    """Return an instance for each phase of each scenario."""
    found = []
    for name, service in services.items():
        fill, decode, _ = rates(service)
        found.append(Kind(f"{name} prefill", name, "prefill", 1, fill))
        found.append(Kind(f"{name} decode", name, "decode", 1, decode))
    return found


def fleet(found: Sequence[Kind], asked: Mapping[str, float]) -> ServingProblem:
    """State the split of all instances as a serving problem."""
    roles: dict[str, Role] = {"prefill": "prefill", "decode": "decode", "both": "both"}
    templates = tuple(
        Template(
            id=kind.name,
            model=kind.service,
            role=roles[kind.stage],
            pool="fleet",
            layout=_LAYOUT,
            rates={kind.service: kind.rate},
        )
        for kind in found
    )
    demands = (
        Demand(id=name, model=name, requests_per_second=each) for name, each in asked.items()
    )
    return ServingProblem(
        pools=(Pool(id="fleet", gpu=_GPU, gpus=_INSTANCES * _LAYOUT.gpus),),
        demands=tuple(demands),
        templates=templates,
        goals=("goodput",),
    )


def split(
    found: Sequence[Kind], asked: Mapping[str, float], seconds: float
) -> tuple[list[int], float | None]:
    """Return the instances of each kind in the best fleet, and its gap."""
    answer: ServingSolution = solve(fleet(found, asked), "mip", time_limit=seconds)
    counts = {entry.template: entry.replicas for entry in answer.fleets}
    return [counts.get(kind.name, 0) for kind in found], answer.gap


def one_ratio(found: Sequence[Kind], asked: Mapping[str, float]) -> float:
    """Return the largest factor when all scenarios have instances in one ratio.

    Scenarios get shares of the fleet by the work they bring, each rounded down and at least one
    instance of each phase; the best of all ratios counts.
    """
    work = dict.fromkeys(asked, 0.0)
    for kind in found:
        work[kind.service] += asked[kind.service] / kind.rate
    total, best = sum(work.values()), 0.0
    for prefills in range(1, 20):
        share = prefills / 20
        counts = []
        for kind in found:
            group = max(2, int(_INSTANCES * work[kind.service] / total))
            filling = min(max(round(group * share), 1), group - 1)
            counts.append(filling if kind.stage == "prefill" else group - filling)
        if sum(counts) <= _INSTANCES:
            best = max(best, factor_of(found, counts, asked, None))
    return best


def adjusted(found: Sequence[Kind], counts: Sequence[int], asked: Mapping[str, float]) -> list[int]:
    """Return the instances after P/D-Serve's rule has moved them inside their scenarios.

    An instance goes to the phase that holds the scenario back as long as the scenario gains.
    """
    moved = list(counts)
    for service in asked:
        fill, decode = (
            next(
                i for i, kind in enumerate(found) if (kind.service, kind.stage) == (service, stage)
            )
            for stage in ("prefill", "decode")
        )
        while True:
            flows = [moved[i] * found[i].rate for i in (fill, decode)]
            taker, giver = (fill, decode) if flows[0] < flows[1] else (decode, fill)
            left = (moved[giver] - 1) * found[giver].rate
            gained = min(left, (moved[taker] + 1) * found[taker].rate)
            if moved[giver] <= 1 or gained <= min(flows):
                break
            moved[giver] -= 1
            moved[taker] += 1
    return moved


def run(limits: Run) -> list[Row]:
    """Split the fleet, compare with aggregated instances, and follow answers that grow."""
    share = max(_LEAST_SECONDS, limits.seconds / 4)
    asked = {name: service.rate for name, service in SERVICES.items()}
    found = kinds(SERVICES)
    counts, gap = split(found, asked, share)
    whole = [Kind(name, name, "both", 1, rates(service)[2]) for name, service in SERVICES.items()]
    together, _ = split(whole, asked, share)
    total = sum(asked.values())
    ratios = ", ".join(
        f"{name} {counts[2 * place]}:{counts[2 * place + 1]}" for place, name in enumerate(SERVICES)
    )
    rows = [
        Row(
            case=f"{len(SERVICES)} scenarios on {_INSTANCES} pairs of {_GPU} (scenarios inferred)",
            measure="requests a second",
            baseline=baseline,
            baseline_value=factor * total,
            method="mip",
            value=factor_of(found, counts, asked, None) * total,
            gap=gap,
            published=_PUBLISHED,
            verdict=ratios,
        )
        for baseline, factor in (
            ("one ratio for all scenarios", one_ratio(found, asked)),
            ("aggregated instances", factor_of(whole, together, asked, None)),
        )
    ]
    return [*rows, _growing_row(counts, asked, share)]


def _growing_row(counts: Sequence[int], asked: Mapping[str, float], seconds: float) -> Row:
    longer = {
        name: replace(service, output=round(service.output * _GROWTH))
        for name, service in SERVICES.items()
    }
    found = kinds(longer)
    total = sum(asked.values())
    still = factor_of(found, counts, asked, None)
    after = factor_of(found, adjusted(found, counts, asked), asked, None)
    anew, gap = split(found, asked, seconds)
    best = factor_of(found, anew, asked, None)
    return Row(
        case=f"answers {_GROWTH:g} times as long",
        measure="requests a second",
        baseline="the ratios of before",
        baseline_value=still * total,
        method="P/D-Serve's adjustment",
        value=after * total,
        gap=None if gap is None else 1 - after / best * (1 - gap),
        published=_PUBLISHED,
        verdict=f"a fleet planned anew serves {best * total:.1f}",
    )


SCENARIO = Scenario(
    name="pd-serve",
    system="P/D-Serve: disaggregated serving at scale (arXiv 2408.08147)",
    problem="ratio of prefill to decode instances",
    wants="nothing: a model and a device of the catalogue, by the roofline",
    run=run,
    targets=(
        Target(("aggregated instances",), at_least=1, at_most=6.7, better="more"),
        Target(("one ratio for all",), at_least=1),
        Target(("one ratio for all",), of="gap", at_most=1e-6),
    ),
)
