"""Fills in what a fleet's file leaves to the catalogue, to other files and to traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduling.errors import Fault, InputError
from scheduling.models.cost.catalogue import gpu as catalogue_gpu
from scheduling.models.cost.catalogue import llm as catalogue_llm
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.precision import published_precision
from scheduling.models.requests.arrivals import Arrivals, PoissonArrivals
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass
from scheduling.models.serving.fleet import Choice, Fleet, FleetDemand, FleetModel, Pool
from scheduling.models.serving.problem import MOST_RATE
from scheduling.planner.layouts import PoolFacts
from scheduling.planner.loads import METRICS, Load


@dataclass(frozen=True)
class ModelFacts:
    """A model of the fleet with its description and the precisions that it may be served in."""

    name: str
    llm: Llm
    choices: tuple[Choice, ...]
    min_quality: float | None


@dataclass(frozen=True)
class Resolved:
    """A fleet with all that it refers to.

    Parameters
    ----------
    fleet
        The request.
    models, pools, loads
        Its models, pools and demands, in its order.
    runtime
        What is to start the plan; ``None``: anything.
    """

    fleet: Fleet
    models: tuple[ModelFacts, ...]
    pools: tuple[PoolFacts, ...]
    loads: tuple[Load, ...]
    runtime: str | None = None

    def loads_of(self, model: str) -> list[Load]:
        """Return the demands of a model."""
        return [load for load in self.loads if load.model == model]


def resolve(fleet: Fleet, folder: Path | None = None, runtime: str | None = None) -> Resolved:
    """Look up models, GPUs and traces.

    Parameters
    ----------
    fleet
        The request.
    folder
        Where the paths that it names begin; default: the working folder.
    runtime
        What is to start the plan; default: anything.

    Raises
    ------
    InputError
        For names that the catalogue does not have, files that cannot be read, and what is missing
        for a goal; all of it at once.
    """
    base = folder or Path()
    faults: list[Fault] = []
    models = [_model(row, model, base, faults) for row, model in enumerate(fleet.models)]
    pools = [_pool(row, pool, fleet, faults) for row, pool in enumerate(fleet.pools)]
    loads = [_load(row, demand, base, faults) for row, demand in enumerate(fleet.demands)]
    if faults:
        raise InputError(faults)
    return Resolved(
        fleet,
        tuple(model for model in models if model is not None),
        tuple(pool for pool in pools if pool is not None),
        tuple(load for load in loads if load is not None),
        runtime,
    )


def _model(row: int, model: FleetModel, base: Path, faults: list[Fault]) -> ModelFacts | None:
    try:
        llm = _llm(model, base)
    except InputError as error:
        faults += _placed(f"models[{row}]", error)
        return None
    choices = model.precisions or (Choice(precision=published_precision(llm.native)),)
    return ModelFacts(model.name, llm, choices, model.min_quality)


def _llm(model: FleetModel, base: Path) -> Llm:
    if model.config is not None:
        if model.llm is not None:
            raise InputError.single("config", model.config, "either llm or config")
        return _described(model, base / model.config)
    if isinstance(model.llm, Llm):
        return model.llm
    return catalogue_llm(model.llm or model.name)


def _described(model: FleetModel, path: Path) -> Llm:
    from scheduling.instances.files import read_text
    from scheduling.instances.jsontext import parse_json
    from scheduling.models.cost.huggingface import from_config

    text, source = read_text(path)
    try:
        return from_config(parse_json(text, source), model.name)
    except InputError as error:
        raise error.with_source(source) if error.source is None else error from None


def _pool(row: int, pool: Pool, fleet: Fleet, faults: list[Fault]) -> PoolFacts | None:
    place = f"pools[{row}]"
    try:
        gpu = pool.gpu if isinstance(pool.gpu, Gpu) else catalogue_gpu(pool.gpu)
    except InputError as error:
        faults += _placed(f"{place}.gpu", error)
        return None
    per_node = pool.gpus_per_node or gpu.node_gpus
    domain = min(pool.domain_gpus or gpu.domain_gpus, per_node * pool.nodes)
    if pool.domain_gpus is None and domain > per_node:
        # A rack that is sold with fewer GPUs a node has its domain within the pool.
        domain -= domain % per_node
    elif pool.domain_gpus is None and per_node % domain:
        domain = next(size for size in range(domain, 0, -1) if per_node % size == 0)
    price = pool.price_per_hour if pool.price_per_hour is not None else gpu.price_per_hour
    priced = "cost" in fleet.goals or fleet.limits.cost_per_hour is not None
    if price is None and priced:
        expected = f"dollars an hour of one {gpu.name}, which the catalogue does not know"
        faults.append(Fault(f"{place}.price_per_hour", "nothing", expected))
    facts = gpu.model_copy(update={"domain_gpus": domain, "node_gpus": per_node})
    return PoolFacts(pool.name, facts, pool.nodes, per_node, domain, price, pool.watts)


def _load(row: int, demand: FleetDemand, base: Path, faults: list[Fault]) -> Load | None:
    place = f"demands[{row}]"
    try:
        requests, trace = _requests(demand, base)
    except InputError as error:
        faults += _placed(f"{place}.trace", error)
        return None
    if requests.arrivals.rate > MOST_RATE:
        found = f"{requests.arrivals.rate:g} requests per second"
        faults.append(Fault(f"{place}.rate", found, f"at most {MOST_RATE:,}"))
        return None
    stated = {metric: demand.target(metric) for metric in METRICS}
    targets = {metric: target for metric, target in stated.items() if target is not None}
    attainment = demand.attainment if targets else None
    return Load(requests, demand.model, targets, trace, attainment)


def _requests(demand: FleetDemand, base: Path) -> tuple[RequestClass, RequestTable | None]:
    if demand.trace is not None:
        from scheduling.planner.traces import seen_requests

        return seen_requests(demand, base / demand.trace)
    if demand.prompt is None or demand.output is None:
        raise InputError.single("prompt, output", "nothing", "lengths or a trace")
    drawn = RequestClass(
        name=demand.name,
        arrivals=_arrivals(demand),
        prompt=demand.prompt,
        output=demand.output,
        prefix_share=demand.prefix_share,
    )
    return drawn, None


def _arrivals(demand: FleetDemand) -> Arrivals:
    if demand.arrivals is not None:
        return demand.arrivals
    if demand.rate is None:
        raise InputError.single("rate", "nothing", "a rate or arrivals")
    return PoissonArrivals(rate=demand.rate)


def _placed(place: str, error: InputError) -> Sequence[Fault]:
    within = f"{place}: {error.source}" if error.source else place
    return [Fault(f"{within}: {f.place}", f.found, f.expected) for f in error.faults]
