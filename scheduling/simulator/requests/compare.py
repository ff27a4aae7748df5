"""``simulate`` for requests: policies side by side on the same requests and replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path

from scheduling.errors import Fault, InputError
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.capacity import Capacity, fleet_capacity
from scheduling.simulator.requests.certify import Certified, Certifiers
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment
from scheduling.simulator.requests.fairness import Fairness, fairness
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.load import Load, read_load
from scheduling.simulator.requests.metrics import FleetMetrics, Slo, measure
from scheduling.simulator.requests.policy import Router
from scheduling.simulator.requests.program_metrics import ProgramMetrics, program_metrics
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.routers import RouterSetting, make_router
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.stated import (
    Machine,
    Spending,
    StatedFleet,
    spending,
    stated_fleet,
)
from scheduling.simulator.requests.strategy import Setting, Strategy
from scheduling.simulator.requests.streams import stream
from scheduling.simulator.side_by_side import run_each, unless_stopped

DEFAULT_STRATEGIES = ("sarathi", "vllm", "orca", "past-future")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy did.

    Parameters
    ----------
    strategy
        The policies of the instances; where these differ, those of the first group.
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
    certified
        Its objectives, each with a bound that no policy can beat; none for calls of programs, whose
        arrivals follow from what is decided.
    programs
        Completion times of programs, if the requests are calls of some.
    """

    strategy: Strategy
    run: FleetRun
    metrics: FleetMetrics
    fairness: Fairness | None = None
    spending: Spending | None = None
    capacity: Capacity | None = None
    certified: tuple[Certified, ...] = ()
    programs: ProgramMetrics | None = None


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
    fleet
        Its replicas.
    outcomes
        One a policy, in the order in which they were asked for.
    notes
        What people should know of the trace, such as how many of its rows are broken.
    """

    problem: RequestScenario
    table: RequestTable
    slos: dict[str, Slo]
    fleet: StatedFleet
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
        that cannot be read, limits of classes that it does not have, or policies whose answers come
        whole on replicas that compute prompts alone.
    UnsupportedError
        When there is no such policy.
    PolicyError
        When a policy decides what cannot be, or lets requests wait for ever.
    StoppedComparisonError
        When the keyboard interrupts the runs after the first has ended, with the comparison of
        those that had.

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
    replicas = stated_fleet(problem)
    load = read_load(problem, trace, Path(folder or ""), strict=strict, seed=seed)
    table, notes = load.table, load.notes
    if capacity is not None and load.programs is not None:
        raise InputError.single(
            "capacity", "programs of agents", "requests that come by themselves"
        )
    slos = _limits(problem, table)
    outcomes = _outcomes(problem, replicas, load, slos, named, capacity, watch, seed)
    comparison = Comparison(problem, table, slos, replicas, tuple(outcomes), notes)
    return unless_stopped(comparison, outcomes, len(named))


def _outcomes(
    problem: RequestScenario,
    replicas: StatedFleet,
    load: Load,
    slos: dict[str, Slo],
    named: Sequence[str | Strategy],
    capacity: float | None,
    watch: Watch,
    seed: int,
) -> list[Outcome]:
    """Run one policy after the other, with what each costs and what is proven of it."""
    settings = {
        name: _setting(problem, load, one, slos, seed) for name, one in replicas.machines.items()
    }
    certifiers = Certifiers(
        load.programs,
        load.table,
        slos,
        problem.warmup_seconds,
        prefixes=load.paths is not None,
    )
    # All of them first: what there is not, or what cannot run here, is refused before any run.
    made = [
        {
            name: each if isinstance(each, Strategy) else strategy(each, setting)
            for name, setting in settings.items()
        }
        for each in named
    ]
    for policies in made:
        _require_wholes(replicas, policies)
        chosen = policies[replicas.groups[0].name]
        router = _router(problem, load, slos, chosen, seed)
        if load.programs is None:
            _require_prefixes(load, chosen, router)

    def run(policies: dict[str, Strategy]) -> Outcome:
        chosen = policies[replicas.groups[0].name]
        fleet = replicas.deployment(policies, load.table.demands)
        found = _outcome(problem, fleet, load, slos, chosen, watch, seed)
        found = replace(
            found,
            spending=spending(found.run, replicas),
            certified=certifiers.certify(fleet.groups, found.run, chosen.whole_answers),
        )
        if capacity is not None:
            highest = _highest(problem, fleet, load, slos, chosen, capacity, seed)
            found = replace(found, capacity=highest)
        return found

    return run_each(made, run, watch.on_run)


def _require_wholes(replicas: StatedFleet, policies: dict[str, Strategy]) -> None:
    """Refuse answers that come whole on replicas that compute prompts alone, or answers."""
    faults = [
        Fault(f"groups[{row}].role", group.role, f"both, as {policies[group.name].name} asks for")
        for row, group in enumerate(replicas.groups)
        if group.role != "both" and policies[group.name].whole_answers
    ]
    if faults:
        raise InputError(faults)


def _require_prefixes(load: Load, chosen: Strategy, router: Router) -> None:
    """Refuse a policy that keeps prefixes of requests without any, or asks for programs."""
    if chosen.retention is None:
        return
    if load.paths is None:
        found, expected = "requests without prefixes", "programs, or a trace with blocks of prompts"
        raise InputError.single(f"policy {chosen.name}", found, expected)
    chosen.retention.begin(None)
    if chosen.router is not None:
        router.begin(None, ())


def _outcome(
    problem: RequestScenario,
    fleet: Deployment,
    load: Load,
    slos: dict[str, Slo],
    chosen: Strategy,
    watch: Watch,
    seed: int,
) -> Outcome:
    """Run one policy."""
    progress = watch.on_progress
    run = simulate_fleet(
        fleet,
        load.table if load.programs is None else load.programs,
        router=_router(problem, load, slos, chosen, seed),
        paths=load.paths,
        seed=seed,
        timeline=watch.timeline,
        on_progress=None if progress is None else partial(progress, chosen.name),
    )
    warmup = problem.warmup_seconds
    costs = {group.name: group.cost for group in fleet.groups}
    found = None
    if load.programs is not None:
        found = program_metrics(run, load.programs, list(costs.values()))
    return Outcome(
        chosen,
        run,
        measure(run, slos, warmup_seconds=warmup),
        fairness(
            run,
            costs,
            warmup_seconds=warmup,
            programs=None if load.programs is None else load.programs.program,
        ),
        programs=found,
    )


def _router(
    problem: RequestScenario, load: Load, slos: dict[str, Slo], chosen: Strategy, seed: int
) -> Router:
    """Make the policy's own router, or that of the scenario."""
    if chosen.router is not None:
        return chosen.router()
    limits = [one.ttft_seconds for one in slos.values() if one.ttft_seconds is not None]
    paths = load.paths if load.programs is None else load.programs.paths
    setting = RouterSetting(stream(seed, "router"), paths, min(limits, default=None))
    return make_router(problem.router, setting)


def _highest(
    problem: RequestScenario,
    fleet: Deployment,
    load: Load,
    slos: dict[str, Slo],
    chosen: Strategy,
    share: float,
    seed: int,
) -> Capacity:
    """Look for the highest rate at which this share of the requests keeps its limits."""
    return fleet_capacity(
        fleet,
        load.table,
        slos,
        attainment=share,
        router=lambda: _router(problem, load, slos, chosen, seed),
        paths=load.paths,
        seed=seed,
        start=_rate(load.table),
    )


def _setting(
    problem: RequestScenario,
    load: Load,
    replica: Machine,
    slos: dict[str, Slo],
    seed: int,
) -> Setting:
    table = load.table
    totals = table.prompt_tokens + table.output_tokens
    # What is larger than the memory is rejected, and changes nothing for the others.
    fits = totals <= replica.kv_tokens // problem.block_size * problem.block_size
    longest = problem.max_tokens or int(totals[fits].max(initial=1))
    limits = tuple(slos[name].ttft_seconds if name in slos else None for name in table.demands)
    answer = problem.max_answer_tokens or int(table.output_tokens[fits].max(initial=1))
    wholes = tuple(slos[name].e2e_seconds if name in slos else None for name in table.demands)
    laters = tuple(slos[name].tpot_seconds if name in slos else None for name in table.demands)
    return Setting(
        table,
        replica.cost,
        limits,
        longest,
        answer,
        seed,
        load.programs,
        e2e_seconds=wholes,
        tpot_seconds=laters,
        paths=load.paths,
        host_tokens_per_second=replica.host_tokens_per_second,
    )


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
