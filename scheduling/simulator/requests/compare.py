"""``simulate`` for requests: policies side by side on the same requests and replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu as catalogue_gpu
from scheduling.models.cost.catalogue import llm as catalogue_llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import published_precision
from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.scenario import Replica, RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import sample
from scheduling.simulator.requests.capacity import Capacity, at_rate, fleet_capacity
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import FleetMetrics, Slo, measure
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.strategy import Setting, Strategy

DEFAULT_STRATEGIES = ("sarathi", "vllm", "orca", "past-future")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy did.

    Parameters
    ----------
    strategy
        The policies of the instances.
    run
        Times of every request.
    metrics
        Latencies, goodput, memory.
    capacity
        The highest rate under the service levels, where it was asked for.
    """

    strategy: Strategy
    run: FleetRun
    metrics: FleetMetrics
    capacity: Capacity | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Policies on one scenario.

    Parameters
    ----------
    problem
        What was run.
    table
        Its requests.
    slos
        Limits by class of requests.
    kv_tokens
        Tokens of KV cache of a replica.
    outcomes
        One a policy, in the order in which they were asked for.
    notes
        What people should know of the trace, such as how many of its rows are broken.
    """

    problem: RequestScenario
    table: RequestTable
    slos: dict[str, Slo]
    kv_tokens: int
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()


def simulate_requests(
    problem: RequestScenario,
    policy: str | Strategy | Sequence[str | Strategy] = DEFAULT_STRATEGIES,
    *,
    trace: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    strict: bool = False,
    capacity: float | None = None,
    seed: int = 0,
    on_run: Callable[[Outcome], None] | None = None,
) -> Comparison:
    """Run the same requests under several policies.

    Parameters
    ----------
    problem
        Requests, replicas and service levels.
    policy
        Policies by name (see :data:`~scheduling.simulator.requests.registry.STRATEGIES`) or as
        objects, one or several.
    trace
        Requests of this file instead of those of the scenario.
    folder
        Where the scenario's own trace lies; default: the working folder.
    strict
        Refuse a trace with broken rows, or rows out of order; otherwise they are left out, or
        sorted, and noted.
    capacity
        Also look for the highest rate at which this share of the requests of each class keeps its
        limits.
    seed
        Seed of all draws; every policy gets the same requests.
    on_run
        Called after each policy.

    Raises
    ------
    InputError
        For names that the catalogue does not have, a model that does not fit into its GPUs, a trace
        that cannot be read, or limits of classes that it does not have.
    UnsupportedError
        When there is no such policy.
    PolicyError
        When a policy decides what cannot be, or lets requests wait for ever.

    Examples
    --------
    >>> import scheduling as sch
    >>> from scheduling.models.requests.scenario import RequestScenario
    >>> problem = RequestScenario.model_validate({
    ...     "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 0}, "kv_tokens": 1600},
    ...     "workload": {"classes": [{
    ...         "arrivals": {"kind": "poisson", "rate": 5.0},
    ...         "prompt": {"kind": "fixed", "tokens": 100},
    ...         "output": {"kind": "fixed", "tokens": 11}}]},
    ...     "requests": 100})
    >>> found = sch.simulate(problem, ["sarathi", "mc-sf"])
    >>> [round(one.metrics.demands[0].tpot.percentiles[50].value, 3) for one in found.outcomes]
    [0.01, 0.01]
    """
    named = [policy] if isinstance(policy, (str, Strategy)) else list(policy)
    if not named:
        raise InputError.single("policy", "none", "at least one policy")
    cost, kv_tokens = _replica(problem.replica)
    table, notes = _requests(problem, trace, Path(folder or ""), strict, seed)
    slos = _limits(problem, table)
    setting = _setting(problem, table, cost, slos, seed)
    chosen = [one if isinstance(one, Strategy) else strategy(one, setting) for one in named]
    outcomes = []
    for one in chosen:
        fleet = _fleet(problem, cost, kv_tokens, one)
        outcomes.append(_outcome(problem, fleet, table, slos, one, capacity, seed))
        if on_run is not None:
            on_run(outcomes[-1])
    return Comparison(problem, table, slos, kv_tokens, tuple(outcomes), notes)


def _outcome(
    problem: RequestScenario,
    fleet: Deployment,
    table: RequestTable,
    slos: dict[str, Slo],
    chosen: Strategy,
    share: float | None,
    seed: int,
) -> Outcome:
    """Run one policy, and look for its highest rate if a share is asked for."""
    run = simulate_fleet(fleet, table, router=problem.router, seed=seed)
    metrics = measure(run, slos, warmup_seconds=problem.warmup_seconds)
    if share is None:
        return Outcome(chosen, run, metrics)
    highest = fleet_capacity(
        fleet,
        table,
        slos,
        attainment=share,
        router=problem.router,
        seed=seed,
        start=_rate(table),
    )
    return Outcome(chosen, run, metrics, highest)


def _fleet(
    problem: RequestScenario, cost: CostModel, kv_tokens: int, chosen: Strategy
) -> Deployment:
    group = Group(
        "all",
        cost,
        kv_tokens=kv_tokens,
        replicas=problem.replicas,
        max_sequences=problem.max_sequences,
        block_size=problem.block_size,
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    return Deployment((group,))


def _setting(
    problem: RequestScenario,
    table: RequestTable,
    cost: CostModel,
    slos: dict[str, Slo],
    seed: int,
) -> Setting:
    totals = table.prompt_tokens + table.output_tokens
    longest = problem.max_tokens or int(totals.max(initial=1))
    limits = tuple(slos[name].ttft_seconds if name in slos else None for name in table.demands)
    answer = problem.max_answer_tokens or int(table.output_tokens.max(initial=1))
    return Setting(table, cost, limits, longest, answer, seed)


def _replica(replica: Replica) -> tuple[CostModel, int]:
    """Return the times of a replica and the tokens of its KV cache."""
    if replica.cost is not None and replica.kv_tokens is not None:
        times = replica.cost
        affine = Affine(
            times.base_seconds,
            times.per_token_seconds,
            times.per_kv_seconds,
            times.per_pair_seconds,
        )
        return affine, replica.kv_tokens
    if replica.model is None or replica.gpu is None:
        raise InputError.single("replica", "nothing", "model and gpu, or a cost with kv_tokens")
    model = replica.model if isinstance(replica.model, Llm) else catalogue_llm(replica.model)
    card = replica.gpu if isinstance(replica.gpu, Gpu) else catalogue_gpu(replica.gpu)
    precision = replica.precision or published_precision(model.native)
    tokens = kv_capacity(model, card, replica.layout, precision, replica.memory_share)
    if tokens is None:
        found = f"{replica.layout} on {card.name}, which does not hold {model.name}"
        raise InputError.single("replica.layout", found, "more GPUs, or a smaller precision")
    cost = replica_cost(model, card, replica.layout, precision, engine=replica.engine)
    return cost, replica.kv_tokens or tokens


def _requests(
    problem: RequestScenario,
    trace: str | PathLike[str] | None,
    folder: Path,
    strict: bool,
    seed: int,
) -> tuple[RequestTable, tuple[str, ...]]:
    """Return the requests, and notes on the file that they are from."""
    from scheduling.instances.requests.reading import read_requests

    path = trace
    if path is None and problem.trace is not None:
        path = folder / problem.trace
    notes: tuple[str, ...] = ()
    if path is not None:
        found = read_requests(path, strict=strict, seed=seed)
        table, notes = _first(found.table, problem), found.notes
    elif problem.workload is not None:
        table = sample(
            problem.workload, requests=problem.requests, seconds=problem.seconds, seed=seed
        )
    else:
        raise InputError.single("trace", "nothing", "a trace or a workload")
    if not len(table):
        raise InputError.single("requests", "none", "at least one request")
    return (table if problem.rate is None else at_rate(table, problem.rate)), notes


def _first(table: RequestTable, problem: RequestScenario) -> RequestTable:
    """Return the requests of a trace that the scenario asks for."""
    count = len(table) if problem.requests is None else min(problem.requests, len(table))
    if problem.seconds is not None:
        end = round(problem.seconds * NS_PER_SECOND)
        count = min(count, int(np.searchsorted(table.arrival_ns, end)))
    columns = ("arrival_ns", "prompt_tokens", "output_tokens", "demand", "cached_tokens")
    return replace(table, **{name: getattr(table, name)[:count] for name in columns})


def _limits(problem: RequestScenario, table: RequestTable) -> dict[str, Slo]:
    """Return the limits of each class that has some."""
    strange = sorted(set(problem.slos) - set(table.demands))
    if strange:
        raise InputError.single("slos", ", ".join(strange), f"classes: {', '.join(table.demands)}")
    found = {}
    for name in table.demands:
        level = problem.slos.get(name, problem.slo)
        if level is not None:
            found[name] = Slo(level.ttft_seconds, level.tpot_seconds, level.e2e_seconds)
    return found


def _rate(table: RequestTable) -> float:
    """Return the mean rate of requests, 1 a second where they come all at once."""
    span = float(table.arrival_ns[-1] - table.arrival_ns[0]) / NS_PER_SECOND
    return (len(table) - 1) / span if span else 1.0
