"""``simulate`` for requests: policies side by side on the same requests and replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from scheduling.errors import InputError
from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import sample
from scheduling.simulator.requests.capacity import Capacity, at_rate, fleet_capacity
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fairness import Fairness, fairness
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import FleetMetrics, Slo, measure
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.stated import Machine, Spending, machine, spending
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
    fairness
        How evenly requests were served; ``None`` when none was.
    spending
        What it cost; ``None`` where the scenario names no GPU with a price.
    capacity
        The highest rate under the service levels, where it was asked for.
    """

    strategy: Strategy
    run: FleetRun
    metrics: FleetMetrics
    fairness: Fairness | None = None
    spending: Spending | None = None
    capacity: Capacity | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is wanted of runs while they go on.

    Parameters
    ----------
    on_progress
        Called now and then with the policy, simulated nanoseconds, requests that have come, and
        requests that have ended or were rejected.
    on_run
        Called after each policy.
    timeline
        Note the use of KV memory over time in the instances' tallies.
    """

    on_progress: Callable[[str, int, int, int], None] | None = None
    on_run: Callable[[Outcome], None] | None = None
    timeline: bool = False


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
    watch: Watch | None = None,
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
    watch
        What is wanted of the runs while they go on.

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
    watch = watch or Watch()
    replica = machine(problem.replica)
    table, notes = _requests(problem, trace, Path(folder or ""), strict, seed)
    slos = _limits(problem, table)
    setting = _setting(problem, table, replica.cost, slos, seed)
    chosen = [one if isinstance(one, Strategy) else strategy(one, setting) for one in named]
    outcomes = []
    for one in chosen:
        outcomes.append(_outcome(problem, replica, table, slos, one, capacity, seed, watch))
        if watch.on_run is not None:
            watch.on_run(outcomes[-1])
    return Comparison(problem, table, slos, replica.kv_tokens, tuple(outcomes), notes)


def _outcome(
    problem: RequestScenario,
    replica: Machine,
    table: RequestTable,
    slos: dict[str, Slo],
    chosen: Strategy,
    share: float | None,
    seed: int,
    watch: Watch,
) -> Outcome:
    """Run one policy, and look for its highest rate if a share is asked for."""
    fleet = _fleet(problem, replica, chosen)
    progress = watch.on_progress
    run = simulate_fleet(
        fleet,
        table,
        router=problem.router,
        seed=seed,
        timeline=watch.timeline,
        on_progress=None if progress is None else partial(progress, chosen.name),
    )
    found = Outcome(
        chosen,
        run,
        measure(run, slos, warmup_seconds=problem.warmup_seconds),
        fairness(
            run,
            {group.name: group.cost for group in fleet.groups},
            warmup_seconds=problem.warmup_seconds,
        ),
        spending(run, replica.dollars_per_hour),
    )
    if share is None:
        return found
    highest = fleet_capacity(
        fleet,
        table,
        slos,
        attainment=share,
        router=problem.router,
        seed=seed,
        start=_rate(table),
    )
    return replace(found, capacity=highest)


def _fleet(problem: RequestScenario, replica: Machine, chosen: Strategy) -> Deployment:
    group = Group(
        "all",
        replica.cost,
        kv_tokens=replica.kv_tokens,
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
