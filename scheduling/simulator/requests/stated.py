"""What a scenario states of its replicas, resolved: times, memory and price of each."""

from __future__ import annotations

from dataclasses import dataclass

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu as catalogue_gpu
from scheduling.models.cost.catalogue import llm as catalogue_llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import published_precision
from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.scenario import Replica
from scheduling.simulator.requests.run import FleetRun

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A replica.

    Parameters
    ----------
    cost
        Times of its iterations.
    kv_tokens
        Tokens of its KV cache.
    dollars_per_hour
        Price of its GPUs; ``None`` when unknown.
    """

    cost: CostModel
    kv_tokens: int
    dollars_per_hour: float | None


def machine(replica: Replica, place: str = "replica") -> Machine:
    """Resolve a replica.

    Parameters
    ----------
    replica
        As the scenario states it.
    place
        Where it stands there, for errors.

    Raises
    ------
    InputError
        For names that the catalogue does not have, or a model that does not fit into its GPUs.
    """
    if replica.cost is not None and replica.kv_tokens is not None:
        times = replica.cost
        affine = Affine(
            times.base_seconds,
            times.per_token_seconds,
            times.per_kv_seconds,
            times.per_pair_seconds,
        )
        return Machine(affine, replica.kv_tokens, None)
    if replica.model is None or replica.gpu is None:
        raise InputError.single(place, "nothing", "model and gpu, or a cost with kv_tokens")
    model = replica.model if isinstance(replica.model, Llm) else catalogue_llm(replica.model)
    card = replica.gpu if isinstance(replica.gpu, Gpu) else catalogue_gpu(replica.gpu)
    precision = replica.precision or published_precision(model.native)
    tokens = kv_capacity(model, card, replica.layout, precision, replica.memory_share)
    if tokens is None:
        found = f"{replica.layout} on {card.name}, which does not hold {model.name}"
        raise InputError.single(f"{place}.layout", found, "more GPUs, or a smaller precision")
    cost = replica_cost(model, card, replica.layout, precision, engine=replica.engine)
    price = card.price_per_hour
    dollars = None if price is None else price * replica.layout.gpus
    return Machine(cost, replica.kv_tokens or tokens, dollars)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run cost, at the prices of its GPUs from its start to its last request's end.

    Parameters
    ----------
    dollars
        In all.
    dollars_per_million_tokens
        By tokens of the answers that were made.
    """

    dollars: float
    dollars_per_million_tokens: float


def spending(run: FleetRun, dollars_per_hour: float | None) -> Spending | None:
    """Return what a run of equal replicas cost; ``None`` without a price, or when it served none.

    Parameters
    ----------
    run
        The run.
    dollars_per_hour
        Price of a replica.
    """
    tokens = int(run.table.output_tokens[run.served].sum())
    if dollars_per_hour is None or not tokens:
        return None
    hours = run.makespan_seconds / _SECONDS_PER_HOUR
    dollars = hours * len(run.instances) * dollars_per_hour
    return Spending(dollars, dollars / tokens * 1e6)
