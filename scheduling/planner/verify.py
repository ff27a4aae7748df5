"""Replays a plan by discrete-event simulation and says whether it keeps its targets.

The simulation knows what the sizing only approximates: batches that fill and drain, memory that
runs out, routers, and queues of requests of different lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

from scheduling.models.cost.costs import replica_cost
from scheduling.models.serving.plan import Component, ServingPlan
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.candidates import Candidate
from scheduling.planner.clock import Clock
from scheduling.planner.loads import Load
from scheduling.planner.replaying import replayed
from scheduling.planner.replicas import kv_rate
from scheduling.planner.resolve import Resolved
from scheduling.simulator.requests.deployment import Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import DemandMetrics, Slo, measure
from scheduling.simulator.requests.planned import planned_deployment

_WARM = 0.1
"""Share of the requests, the first ones, that is not counted."""

_CUT = 0.9
"""Factor on the ceilings of replicas that serve a demand whose target is not kept."""

_FAR = 2.0
"""Factor beyond a target from which queues grow all the time; ceilings are then cut twice."""

_PHASES: dict[str, tuple[str, ...]] = {
    "ttft": ("both", "prefill"),
    "tpot": ("both", "decode"),
    "e2e": ("both", "prefill", "decode"),
}
"""Roles of replicas whose load moves a latency."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what the replay shows of it.

    Parameters
    ----------
    demand, metric
        Whose target, on ``ttft``, ``tpot`` or ``e2e``.
    share
        Share of the requests that are to keep it.
    target
        In seconds.
    value, low, high
        The percentile in the replay, with its 95 % confidence interval; ``None``: no request was
        served.
    """

    demand: str
    metric: str
    share: float
    target: float
    value: float | None
    low: float | None
    high: float | None

    @property
    def kept(self) -> bool:
        """Whether the percentile is within the target."""
        return self.value is not None and self.value <= self.target

    @property
    def excess(self) -> float:
        """Percentile over target; infinite where no request was served."""
        return inf if self.value is None else self.value / self.target

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "demand": self.demand,
            "metric": self.metric,
            "percentile": 100 * self.share,
            "target_seconds": self.target,
            "seconds": self.value,
            "low": self.low,
            "high": self.high,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True)
class Attained:
    """What the replay shows of a demand whose requests are to keep all targets at once.

    Parameters
    ----------
    demand
        Its name.
    share
        Share of the requests that are to keep them.
    value, low, high
        Share that did, with its 95 % confidence interval; ``None``: no request came.
    """

    demand: str
    share: float
    value: float | None
    low: float | None
    high: float | None

    @property
    def kept(self) -> bool:
        """Whether enough requests kept all targets."""
        return self.value is not None and self.value >= self.share

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "demand": self.demand,
            "attainment": self.share,
            "share": self.value,
            "low": self.low,
            "high": self.high,
            "kept": self.kept,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """A plan's run through the simulation.

    Parameters
    ----------
    requests
        Requests that were counted.
    verdicts
        One for each target of each demand.
    attained
        One for each demand whose requests are to keep all targets at once; there it decides, and
        the verdicts only show which target is missed.
    """

    requests: int
    verdicts: tuple[Verdict, ...]
    attained: tuple[Attained, ...] = ()

    @property
    def missed(self) -> tuple[Verdict, ...]:
        """Targets that are not kept, without those of demands that attain what they are to."""
        fine = {one.demand for one in self.attained if one.kept}
        return tuple(v for v in self.verdicts if not v.kept and v.demand not in fine)

    @property
    def kept(self) -> bool:
        """Whether all targets are kept."""
        return not self.missed and all(one.kept for one in self.attained)

    @property
    def excess(self) -> float:
        """The most by which a target is missed, as a factor; of plans that miss any, the nearest.

        A share of requests that is to keep all targets counts as what is missing over what may.
        """
        short = [
            inf if one.value is None else (1 - one.value) / max(1 - one.share, 1 / self.requests)
            for one in self.attained
            if not one.kept
        ]
        return max([verdict.excess for verdict in self.missed] + short, default=0.0)

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "requests": self.requests,
            "kept": self.kept,
            "verdicts": [verdict.record() for verdict in self.verdicts],
            "attained": [one.record() for one in self.attained],
        }


def replay(
    resolved: Resolved,
    kept: Sequence[Candidate],
    solution: ServingSolution,
    plan: ServingPlan,
    clock: Clock,
) -> Replay | None:
    """Run requests of all demands through a plan; ``None`` when the time is up before their end.

    Parameters
    ----------
    resolved
        The fleet.
    kept, solution
        The candidates and the answer that the plan was made from.
    plan
        The plan.
    clock
        When to end, and the seed of the requests.
    """
    known = {one.id: one for one in kept}
    pairs = zip(plan.components, solution.fleets, strict=True)
    chosen = {component.name: known[fleet.template] for component, fleet in pairs}
    affinity = resolved.fleet.options.kv_affinity
    engine = resolved.fleet.options.engine

    def link(first: Component, _: Component) -> Link:
        one = chosen[first.name]
        per_token = one.model.llm.kv_bytes_per_token(one.precision.kv)
        return Link(per_token, kv_rate(one.pool, one.layout, affinity))

    deployment = planned_deployment(
        plan,
        {
            name: replica_cost(
                one.model.llm, one.pool.gpu, one.layout, one.precision, engine=engine
            )
            for name, one in chosen.items()
        },
        {name: one.kv_tokens for name, one in chosen.items()},
        link,
    )
    served = _served(plan)
    loads = [load for load in resolved.loads if load.demand in served]
    table = replayed(loads, served, clock.seed)
    warm = float(table.arrival_ns[int(_WARM * len(table))]) / 1e9
    try:
        run = simulate_fleet(
            deployment,
            table,
            router="least-requests",
            seed=clock.seed,
            on_progress=partial(_in_time, clock),
        )
    except _TimeUp:
        return None
    shares = {100 * share for load in loads for _, share in load.targets.values()}
    slos = {load.demand: _slo(load) for load in loads}
    found = measure(run, slos, percentiles=sorted(shares), warmup_seconds=warm)
    rows = list(zip(loads, found.demands, strict=True))
    return Replay(
        requests=sum(row.requests for row in found.demands),
        verdicts=tuple(
            _verdict(load, metric, row) for load, row in rows for metric in load.targets
        ),
        attained=tuple(
            _attained(load.attainment, row) for load, row in rows if load.attainment is not None
        ),
    )


class _TimeUp(Exception):  # noqa: N818 - it is an outcome, not an error
    """The replay ends before its requests do."""


def _in_time(clock: Clock, *_: int) -> None:
    if clock.over:
        raise _TimeUp


def _slo(load: Load) -> Slo:
    limits = {f"{metric}_seconds": seconds for metric, (seconds, _) in load.targets.items()}
    return Slo(**limits)


def _attained(share: float, row: DemandMetrics) -> Attained:
    seen = row.attainment
    if seen is None:
        return Attained(row.demand, share, None, None, None)
    return Attained(row.demand, share, seen.value, max(0.0, seen.low), min(1.0, seen.high))


def _served(plan: ServingPlan) -> dict[str, float]:
    """Return the rate at which the plan serves each demand, which may be more or less than asked.

    Requests of separate phases are counted where they begin.
    """
    roles = {component.name: component.role for component in plan.components}
    rates: dict[str, float] = {}
    for route in plan.routes:
        if roles[route.component] != "decode":
            rates[route.demand] = rates.get(route.demand, 0.0) + route.requests_per_second
    return rates


def _verdict(load: Load, metric: str, row: DemandMetrics) -> Verdict:
    seconds, share = load.targets[metric]
    latency = getattr(row, metric)
    if latency is None or row.rejected:
        return Verdict(load.demand, metric, share, seconds, None, None, None)
    figure = latency.percentiles[100 * share]
    return Verdict(load.demand, metric, share, seconds, figure.value, figure.low, figure.high)


def derated(
    kept: Sequence[Candidate], solution: ServingSolution, failed: Iterable[Verdict]
) -> tuple[Candidate, ...]:
    """Lower the ceilings of the replicas in use that serve a demand whose target is not kept."""
    cuts: dict[tuple[str, str], float] = {}
    for verdict in failed:
        factor = _CUT**2 if verdict.excess > _FAR else _CUT
        for role in _PHASES[verdict.metric]:
            key = verdict.demand, role
            cuts[key] = min(factor, cuts.get(key, 1.0))
    routes = {(flow.demand, flow.template) for flow in solution.flows}
    factors = {
        one.id: min(
            cuts.get((load.demand, one.role), 1.0) if (load.demand, one.id) in routes else 1.0
            for load in one.loads
        )
        for one in kept
    }
    return tuple(replace(one, derate=one.derate * factors[one.id]) for one in kept)
