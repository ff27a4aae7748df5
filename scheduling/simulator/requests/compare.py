"""``simulate`` for requests: policies side by side on the same requests and replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike

from scheduling.errors import InputError
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.capacity import Capacity, fleet_capacity
from scheduling.simulator.requests.certify import Certified, Certifiers
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment
from scheduling.simulator.requests.fairness import Fairness, fairness
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import FleetMetrics, Slo, measure
from scheduling.simulator.requests.prepared import Policies, Prepared, prepare
from scheduling.simulator.requests.program_metrics import ProgramMetrics, program_metrics
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.stated import Spending, StatedFleet, spending
from scheduling.simulator.requests.strategy import Strategy
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
    found = prepare(
        problem,
        named,
        trace=trace,
        folder=folder,
        strict=strict,
        capacity=capacity is not None,
        seed=seed,
    )
    outcomes = _outcomes(found, capacity, watch or Watch())
    load = found.load
    comparison = Comparison(
        problem, load.table, found.slos, found.replicas, tuple(outcomes), load.notes
    )
    return unless_stopped(comparison, outcomes, len(named))


def _outcomes(found: Prepared, capacity: float | None, watch: Watch) -> list[Outcome]:
    """Run one policy after the other, with what each costs and what is proven of it."""
    load, replicas = found.load, found.replicas
    certifiers = Certifiers(
        load.programs,
        load.table,
        found.slos,
        found.problem.warmup_seconds,
        prefixes=load.paths is not None,
    )

    def run(policies: Policies) -> Outcome:
        chosen = found.chosen(policies)
        fleet = replicas.deployment(policies, load.table.demands)
        outcome = _outcome(found, fleet, chosen, watch)
        outcome = replace(
            outcome,
            certified=certifiers.certify(fleet.groups, outcome.run, chosen.whole_answers),
        )
        if capacity is None:
            return outcome
        return replace(outcome, capacity=_highest(found, fleet, chosen, capacity))

    return run_each(found.policies, run, watch.on_run)


def _outcome(found: Prepared, fleet: Deployment, chosen: Strategy, watch: Watch) -> Outcome:
    """Run one policy."""
    progress, load, router = watch.on_progress, found.load, found.router(chosen)
    run = simulate_fleet(
        fleet,
        load.table if load.programs is None else load.programs,
        router=router,
        paths=load.paths,
        seed=found.seed,
        timeline=watch.timeline,
        on_progress=None if progress is None else partial(progress, chosen.name),
    )
    warmup = found.problem.warmup_seconds
    costs = {group.name: group.cost for group in fleet.groups}
    programs = None
    if load.programs is not None:
        programs = program_metrics(run, load.programs, list(costs.values()))
    return Outcome(
        chosen,
        run,
        measure(run, found.slos, warmup_seconds=warmup),
        fairness(
            run,
            costs,
            warmup_seconds=warmup,
            programs=None if load.programs is None else load.programs.program,
        ),
        spending=spending(run, found.replicas, router),
        programs=programs,
    )


def _highest(found: Prepared, fleet: Deployment, chosen: Strategy, share: float) -> Capacity:
    """Look for the highest rate at which this share of the requests keeps its limits."""
    load = found.load
    return fleet_capacity(
        fleet,
        load.table,
        found.slos,
        attainment=share,
        router=lambda: found.router(chosen),
        paths=load.paths,
        seed=found.seed,
        start=_rate(load.table),
    )


def _rate(table: RequestTable) -> float:
    """Return the mean rate of requests, 1 a second where they come all at once."""
    span = float(table.arrival_ns[-1] - table.arrival_ns[0]) / NS_PER_SECOND
    return (len(table) - 1) / span if span else 1.0
