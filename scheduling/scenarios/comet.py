"""COMET: precision as a variable of the plan, down to weights, operands and caches of four bits.

COMET (known here by its abstract) serves models with 4-bit weights, operands and KV caches at
little loss. Here a fleet of A100s serves four models, each replica in a precision of its own:
memory decides what fits and how large batches get, the roofline how fast they are, and a budget
how much quality the requests of a model may lose on average. Losses are inferred from the order
that papers on quantisation report; they are not measured here.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.memory import kv_capacity, layout_faults
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch
from scheduling.scenarios.fleets import Kind, largest_fleet
from scheduling.scenarios.scenario import Row, Run, Scenario, Target

PRECISIONS = {
    "W16A16KV16": (Precision(weights="fp16", compute="fp16", kv="fp16"), 0.0),
    "W8A8KV8": (Precision(weights="int8", compute="int8", kv="int8"), 0.05),
    "W4A16KV16": (Precision(weights="int4", compute="fp16", kv="fp16"), 0.12),
    "W4A8KV4": (Precision(weights="int4", compute="int8", kv="int4"), 0.2),
    "W4A4KV4": (Precision(weights="int4", compute="int4", kv="int4"), 0.35),
}
"""Precisions of replicas, and the perplexity that each adds (inferred)."""

SERVICES = {"llama-3-8b": 40.0, "llama-2-13b": 15.0, "llama-2-70b": 6.0, "qwen2.5-72b": 6.0}
"""Models and the requests a second that each is asked for."""

_SIXTEEN = "W16A16KV16"
_GPUS = 24
_PROMPT, _OUTPUT = 1024, 512
_TPOT = 0.1
_DEGREES = (1, 2, 4)
_LARGEST = 256
_BUDGETS = (0.1, 0.2, 0.35)
_LEAST_SECONDS = 2.0
_PUBLISHED = "2.02 times the throughput of TensorRT-LLM on A100-80G (abstract)"


def request_rate(model: Llm, card: Gpu, tp: int, precision: Precision) -> float | None:
    """Return the requests a second of one replica; ``None`` when none is served in time.

    Its batch is the largest that fits its memory and keeps a decode step within the limit; each
    request takes a prompt and its share of the steps.
    """
    layout = Layout(tp=tp)
    capacity = kv_capacity(model, card, layout, precision)
    if capacity is None:
        return None
    cost = replica_cost(model, card, layout, precision)
    filling = cost.seconds(Batch.prefill(_PROMPT))
    context = _PROMPT + _OUTPUT // 2
    best = None
    for batch in range(1, min(_LARGEST, capacity // (_PROMPT + _OUTPUT)) + 1):
        step = cost.seconds(Batch.decode(batch, batch * context))
        if step > _TPOT:
            break
        best = 1 / (filling + step * _OUTPUT / batch)
    return best


def kinds(card: Gpu, allowed: Iterable[str]) -> list[Kind]:
    """Return the replicas that serve a model in one of the precisions."""
    found = []
    for service in SERVICES:
        model = llm(service)
        for name in allowed:
            precision, loss = PRECISIONS[name]
            for tp in _DEGREES:
                if layout_faults(model, Layout(tp=tp)):
                    continue
                rate = request_rate(model, card, tp, precision)
                if rate is not None:
                    title = f"{service} {name} tp{tp}"
                    found.append(Kind(title, service, "serve", tp, rate, loss))
    return found


def run(limits: Run) -> list[Row]:
    """Plan the fleet with the best single precision, and with a precision for each replica."""
    share = max(_LEAST_SECONDS, limits.seconds / 9)
    card = gpu("a100-80gb-sxm")
    alone = {name: kinds(card, [name]) for name in PRECISIONS}
    return [_row(loss, alone, share) for loss in _BUDGETS]


def _row(loss: float, alone: dict[str, list[Kind]], seconds: float) -> Row:
    factors = {
        name: largest_fleet(found, SERVICES, _GPUS, seconds).factor
        for name, found in alone.items()
        if PRECISIONS[name][1] <= loss and {kind.service for kind in found} == set(SERVICES)
    }
    single = max(factors, key=lambda name: factors[name])
    every = [kind for found in alone.values() for kind in found]
    fleet = largest_fleet(every, SERVICES, _GPUS, seconds, loss)
    total = sum(SERVICES.values())
    used = {title.split()[1] for title in fleet.counts}
    return Row(
        case=f"4 models on {_GPUS} A100s, at most {loss} perplexity lost (losses inferred)",
        measure="requests a second",
        baseline="16 bits everywhere",
        baseline_value=factors[_SIXTEEN] * total,
        method="HiGHS",
        value=fleet.factor * total,
        gap=fleet.gap,
        published=_PUBLISHED,
        verdict=f"{', '.join(name for name in PRECISIONS if name in used)}; the best single one, "
        f"{single}, serves {factors[single] * total:.1f}",
    )


SCENARIO = Scenario(
    name="comet",
    system="COMET: W4A4KV4 serving of language models (abstract)",
    problem="precision of weights, activations and KV cache",
    wants="nothing: models and the A100 of the catalogue, by the roofline",
    run=run,
    targets=(
        Target(
            ("at most 0.1 ",),
            at_least=1.9,
            at_most=2.1,
            better="more",
            otherwise="losses of quality are inferred",
        ),
    ),
)
