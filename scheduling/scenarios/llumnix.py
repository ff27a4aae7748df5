"""Llumnix: dispatching and live migration by freeness, on sixteen small GPUs.

Llumnix (Sun and others, OSDI 2024) sends requests to the instance with the most freeness and moves
running ones while they decode, so that the memory which is free on many instances serves the head
of a queue on one. Here LLaMA-7B runs on A10 GPUs by the roofline, and lengths are lognormal with
tails as heavy as those of the paper's power laws (inferred); the same requests come at a rate at
which round robin already queues. The bound of the mean latency holds for every policy, migration
included: moved requests take the same iterations and hold the same memory, on any replica.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.arrivals import PoissonArrivals
from scheduling.models.requests.lengths import LognormalLength
from scheduling.models.requests.workload import RequestClass, Workload, sample
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.policies.llumnix import Freeness, Llumnix, demand
from scheduling.simulator.requests.policies.routing import RoundRobin
from scheduling.simulator.requests.run import FleetRun

_INSTANCES = 16
_REQUESTS = 4000
_RATE = 11.5
_SEED = 1
_LOOK_NS = NS_PER_SECOND // 10
_PUBLISHED = "P99 of first tokens up to 15 times lower than load-aware dispatching (OSDI 2024)"
_FRAGMENTS = "7.9 % to 0.7 % of all memory (OSDI 2024)"

Moves = Sequence[tuple[Live, MovableInstance, MovableInstance]]


def fragmented(instances: Sequence[MovableInstance], now: int) -> float:
    """Return the share of all memory that is free and would serve blocked heads of queues.

    Heads that do not fit where they wait are counted, the smallest first, as far as the free
    memory of all instances together would hold them.
    """
    free = sum(one.free_at(now) for one in instances)
    blocked = sorted(need for one in instances if (need := demand(one, now)) > one.free_at(now))
    served = 0
    for need in blocked:
        if served + need > free:
            break
        served += need
    return served / sum(one.memory.capacity for one in instances)


class _Seen:
    """Looks at fragmentation at every interval, as long as requests come."""

    def __init__(self, until: int) -> None:
        self.shares: list[float] = []
        self._until = until

    def look(self, instances: Sequence[MovableInstance], now: int) -> None:
        if now <= self._until:
            self.shares.append(fragmented(instances, now))


class _RoundRobin(RoundRobin):
    """Round robin that is looked at."""

    interval_ns = _LOOK_NS

    def __init__(self, seen: _Seen) -> None:
        super().__init__()
        self._seen = seen

    def moves(self, instances: Sequence[MovableInstance], now: int) -> Moves:
        self._seen.look(instances, now)
        return ()


class _Freeness(Freeness):
    """Dispatching by freeness that is looked at."""

    interval_ns = _LOOK_NS

    def __init__(self, seen: _Seen) -> None:
        self._seen = seen

    def moves(self, instances: Sequence[MovableInstance], now: int) -> Moves:
        self._seen.look(instances, now)
        return ()


class _Llumnix(Llumnix):
    """Llumnix that is looked at."""

    def __init__(self, seen: _Seen) -> None:
        super().__init__(_LOOK_NS / NS_PER_SECOND)
        self._seen = seen

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
        self._seen.look(instances, now)
        return super().moves(instances, now)


def fleet() -> Deployment:
    """Return the instances."""
    model, card = llm("llama-2-7b"), gpu("a10")
    precision = Precision(weights="fp16", compute="fp16", kv="fp16")
    group = Group(
        "a10",
        replica_cost(model, card, Layout(), precision),
        kv_capacity(model, card, Layout(), precision) or 0,
        replicas=_INSTANCES,
        link=Link(model.kv_bytes_per_token("fp16"), card.network_bandwidth, 0.001),
    )
    return Deployment((group,))


def run(limits: Run) -> list[Row]:
    """Run round robin, dispatching by freeness and Llumnix on the same requests."""
    del limits
    lengths = LognormalLength(median=200, sigma=1.6, at_most=8000)
    answers = LognormalLength(median=200, sigma=1.0, at_most=2000)
    chat = RequestClass(arrivals=PoissonArrivals(rate=_RATE), prompt=lengths, output=answers)
    table = sample(Workload(classes=(chat,)), requests=_REQUESTS, seed=_SEED)
    deployment = fleet()
    runs: dict[str, tuple[FleetRun, float]] = {}
    for make in (_RoundRobin, _Freeness, _Llumnix):
        seen = _Seen(int(table.arrival_ns[-1]))
        policy = make(seen)
        found = simulate_fleet(deployment, table, router=policy)
        runs[policy.name] = found, float(np.mean(seen.shares))
    best = runs["llumnix"][0]
    moved = sum(one.tally.taken_over for one in best.instances)
    certified = Certifier(deployment.groups, {}).certify(best)
    gap = next(one.gap for one in certified if one.objective == "e2e")
    case = (
        f"{_REQUESTS} requests at {_RATE:g}/s, {_INSTANCES} A10 with llama-2-7b (lengths inferred)"
    )
    rows = []
    for name in ("round-robin", "freeness"):
        other, shares = runs[name]
        for measure, values, distance, published, verdict in (
            (
                "P99 seconds in queues",
                [float(np.percentile(one.queue_seconds, 99)) for one in (other, best)],
                None,
                _PUBLISHED,
                f"{moved} requests moved",
            ),
            (
                "share of memory fragmented",
                [shares, runs["llumnix"][1]],
                None,
                _FRAGMENTS,
                f"{int(other.restarts.sum())} evictions, then {int(best.restarts.sum())}",
            ),
            (
                "mean seconds to the last token",
                [float(one.e2e_seconds.mean()) for one in (other, best)],
                gap,
                None,
                "bound of every policy, migration included",
            ),
        ):
            rows.append(
                Row(
                    case,
                    measure,
                    name,
                    values[0],
                    "llumnix",
                    values[1],
                    distance,
                    published,
                    verdict,
                )
            )
    return rows


SCENARIO = Scenario(
    name="llumnix",
    system="Llumnix: dynamic scheduling by live migration (OSDI 2024)",
    problem="dispatch and live migration of requests",
    wants="nothing: a model and a GPU of the catalogue, by the roofline, and drawn requests",
    run=run,
    targets=(
        Target(("^freeness$", "P99"), at_least=1 / 15, at_most=1, better="less"),
        Target(("^freeness$", "fragmented"), at_least=0.7 / 7.9, at_most=1, better="less"),
        Target(("^round-robin$", "P99"), at_most=0.5),
        Target(("^round-robin$", "fragmented"), of="value", at_most=0.01),
    ),
)
