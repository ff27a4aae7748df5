"""Random serving fleets: models of many sizes on several types of GPU, rates by a roofline."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, sqrt

import numpy as np

from scheduling.errors import InputError
from scheduling.models.cost.layout import Layout
from scheduling.models.serving.plan import Role
from scheduling.models.serving.problem import Demand, Pool, Scenario, ServingProblem, Template

_NODE = 8
_PROMPTS = ((512, 256), (4096, 512), (16384, 1024))
"""Tokens of prompt and output of a model's demands, in turn."""

_TPOT = 0.04
_PENALTY = 0.92
"""Share of the speed that is left at twice the tensor parallel degree."""


@dataclass(frozen=True)
class _Gpu:
    name: str
    gibibytes: float
    bandwidth: float
    flops: float
    price: float
    watts: float


_GPUS = (
    _Gpu("a100", 80, 2.0e12, 0.31e15, 1.6, 400),
    _Gpu("h100", 80, 3.35e12, 0.99e15, 2.8, 700),
    _Gpu("h200", 141, 4.8e12, 0.99e15, 3.5, 700),
    _Gpu("l40s", 48, 0.86e12, 0.36e15, 0.9, 350),
)
"""Round figures in the range of data sheets; further types are these with other numbers."""


@dataclass(frozen=True)
class _Model:
    name: str
    parameters: float
    kv_bytes: float


def serving_fleet(
    *,
    models: int = 8,
    types: int = 4,
    nodes: int = 64,
    demands: int = 2,
    scenarios: int = 0,
    usage: float = 0.6,
    seed: int = 0,
) -> ServingProblem:
    """Generate a fleet of nodes of 8 GPUs whose demands take about a share of it.

    Each model has templates with tensor parallel degrees 1, 2, 4 and 8 in every role on every type
    of GPU that holds it; rates come from a roofline with parallel losses, ceilings rise with the
    number of replicas. Goals are the rate that is not served, then cost.

    Parameters
    ----------
    models, types, nodes
        Sizes; the nodes are spread evenly over the types of GPU.
    demands
        Demands of each model, with different lengths of prompt and output.
    scenarios
        Futures with other demands and lower rates.
    usage
        Share of all GPUs that the demands take at the best rate for each GPU.
    seed
        Seed of the draws.
    """
    if nodes < types:
        raise InputError.single("nodes", str(nodes), f"at least one for each of {types} types")
    rng = np.random.default_rng(seed)
    kinds = [_GPUS[number % len(_GPUS)] for number in range(types)]
    names = [f"{kind.name}-{number}" for number, kind in enumerate(kinds)]
    described = [_model(number, rng) for number in range(models)]
    lengths = [_PROMPTS[number % len(_PROMPTS)] for number in range(demands)]
    templates = [
        template
        for model in described
        for name, kind in zip(names, kinds, strict=True)
        for template in _templates(model, name, kind, lengths)
    ]
    weights = rng.dirichlet(np.full(models * demands, 1.5))
    return ServingProblem(
        name=f"fleet-{models}x{types}x{nodes}-s{seed}",
        pools=tuple(
            _pool(name, kind, nodes // types + (number < nodes % types))
            for number, (name, kind) in enumerate(zip(names, kinds, strict=True))
        ),
        demands=tuple(_demands(described, lengths, templates, weights * usage * nodes * _NODE)),
        templates=tuple(templates),
        scenarios=tuple(_scenario(number, described, demands, rng) for number in range(scenarios)),
        goals=("unserved", "cost"),
    )


def _model(number: int, rng: np.random.Generator) -> _Model:
    billions = float(np.exp(rng.uniform(np.log(3.0), np.log(250.0))))
    kv = 2.0e4 * billions**0.5 * float(rng.uniform(0.7, 2.0))
    return _Model(f"model-{number}", billions * 1e9, kv)


def _pool(name: str, kind: _Gpu, nodes: int) -> Pool:
    return Pool(
        id=name,
        gpu=kind.name,
        nodes=nodes,
        gpus_per_node=_NODE,
        price_per_hour=kind.price,
        watts=kind.watts,
        kv_bytes_per_second=5e10,
    )


def _templates(
    model: _Model, pool: str, kind: _Gpu, lengths: list[tuple[int, int]]
) -> list[Template]:
    found = []
    for tp in (1, 2, 4, 8):
        room = 0.9 * kind.gibibytes * 2**30 * tp - model.parameters
        if room < 0.1 * model.parameters:
            continue
        speed = tp * _PENALTY ** log2(tp)
        rates = [_rates(model, kind, room, speed, *length) for length in lengths]
        roles: tuple[Role, ...] = ("both", "prefill", "decode")
        for place, role in enumerate(roles):
            served = {
                f"{model.name}-{number}": round(rate[place], 4)
                for number, rate in enumerate(rates)
                if rate[place] >= 0.001
            }
            if served:
                found.append(
                    Template(
                        id=f"{model.name}/{role}/{pool}/tp{tp}",
                        model=model.name,
                        role=role,
                        pool=pool,
                        layout=Layout(tp=tp),
                        rates=served,
                        ceilings=tuple(round(1 - 0.4 / sqrt(n), 3) for n in range(1, 17)),
                    )
                )
    return found


def _rates(
    model: _Model, kind: _Gpu, room: float, speed: float, prompt: int, output: int
) -> tuple[float, float, float]:
    """Return the rates of a replica that serves whole requests, prompts, and outputs.

    Weights have a byte a parameter. A step of decoding reads the weights and the KV cache of its
    batch, and has to be done in ``_TPOT`` seconds.
    """
    prefill = 0.5 * kind.flops * speed / (2 * model.parameters * prompt)
    context = prompt + output / 2
    step = 0.75 * _TPOT * kind.bandwidth * speed - model.parameters
    batch = min(room, step) / (model.kv_bytes * context)
    if batch < 1:
        return 0.0, prefill, 0.0
    decode = min(batch, 256.0) / (output * _TPOT)
    return 0.9 / (1 / prefill + 1 / decode), prefill, decode


def _demands(
    models: list[_Model],
    lengths: list[tuple[int, int]],
    templates: list[Template],
    gpus: np.ndarray,
) -> list[Demand]:
    found = []
    for number, model in enumerate(models):
        for place, (prompt, _) in enumerate(lengths):
            name = f"{model.name}-{place}"
            best = max(
                (t.rates[name] / t.gpus for t in templates if t.role == "both" and name in t.rates),
                default=0.01,
            )
            share = float(gpus[number * len(lengths) + place])
            rate = max(0.01, round(0.8 * share * best, 2))
            kv = round(prompt * model.kv_bytes)
            found.append(
                Demand(id=name, model=model.name, requests_per_second=rate, kv_bytes_per_request=kv)
            )
    return found


def _scenario(
    number: int, models: list[_Model], demands: int, rng: np.random.Generator
) -> Scenario:
    names = [f"{model.name}-{place}" for model in models for place in range(demands)]
    factors = rng.uniform(0.7, 1.25, len(names)).round(2).tolist()
    return Scenario(
        id=f"future-{number}",
        demands=dict(zip(names, factors, strict=True)),
        all_rates=round(float(rng.uniform(0.9, 1.0)), 2),
    )
