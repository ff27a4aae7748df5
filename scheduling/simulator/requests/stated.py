"""What a scenario states of its replicas, resolved into a fleet: times, memory and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul

from scheduling.errors import Fault, InputError
from scheduling.models.cost.catalogue import gpu as catalogue_gpu
from scheduling.models.cost.catalogue import llm as catalogue_llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import published_precision
from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.replicas import Replica, ReplicaGroup, Transfer, Way
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.adapters import NONE, AdapterMemory
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.host import HostTier
from scheduling.simulator.requests.policy import Router, Scaling
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.strategy import Strategy

EQUAL = "all"
"""Name of the group of a scenario whose replicas are equal."""

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
    kv_bytes_per_token
        Bytes of its KV cache, all its GPUs together; ``None`` when unknown.
    bytes_per_second
        Rate at which its GPUs together send to other nodes; ``None`` when unknown.
    host_tokens_per_second
        Rate at which its GPUs together copy KV to their hosts or back; ``None`` when unknown.
    host
        Memory of the host for prefixes that it drops; ``None``: they are lost.
    """

    cost: CostModel
    kv_tokens: int
    dollars_per_hour: float | None = None
    kv_bytes_per_token: float | None = None
    bytes_per_second: float | None = None
    host_tokens_per_second: float | None = None
    host: HostTier | None = None

    @property
    def link(self) -> Link | None:
        """How its KV moves to another of its kind; ``None`` when unknown."""
        if self.kv_bytes_per_token is None or self.bytes_per_second is None:
            return None
        return Link(self.kv_bytes_per_token, self.bytes_per_second)


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
        return Machine(affine, replica.kv_tokens, host=_host(replica, None))
    if replica.model is None or replica.gpu is None:
        raise InputError.single(place, "nothing", "model and gpu, or a cost with kv_tokens")
    model, card = _model(replica.model, place), _card(replica.gpu, place)
    precision = replica.precision or published_precision(model.native)
    tokens = kv_capacity(model, card, replica.layout, precision, replica.memory_share)
    if tokens is None:
        found = f"{replica.layout} on {card.name}, which does not hold {model.name}"
        raise InputError.single(f"{place}.layout", found, "more GPUs, or a smaller precision")
    cost = replica_cost(model, card, replica.layout, precision, engine=replica.engine)
    price = card.price_per_hour
    senders = min(replica.layout.tp * replica.layout.pp, card.node_gpus)
    token_bytes = model.kv_bytes_per_token(precision.kv)
    host_rate = card.host_bandwidth * replica.layout.gpus / token_bytes
    return Machine(
        cost,
        replica.kv_tokens or tokens,
        None if price is None else price * replica.layout.gpus,
        token_bytes,
        card.network_bandwidth * senders,
        host_rate,
        _host(replica, host_rate),
    )


def _model(model: Llm | str, place: str) -> Llm:
    """Return a model, or that of a name in the catalogue."""
    try:
        return model if isinstance(model, Llm) else catalogue_llm(model)
    except InputError as error:
        raise _placed(f"{place}.model", error) from None


def _card(card: Gpu | str, place: str) -> Gpu:
    """Return a GPU, or that of a name in the catalogue."""
    try:
        return card if isinstance(card, Gpu) else catalogue_gpu(card)
    except InputError as error:
        raise _placed(f"{place}.gpu", error) from None


def _placed(place: str, error: InputError) -> InputError:
    return InputError([Fault(place, one.found, one.expected) for one in error.faults])


def _host(replica: Replica, rate: float | None) -> HostTier | None:
    """Return the memory of the host, whose link has this rate unless the scenario says so."""
    stated = replica.host
    if stated is None:
        return None
    return HostTier(stated.tokens, stated.tokens_per_second or rate or 0.0, stated.ahead)


@dataclass(frozen=True, slots=True)
class StatedFleet:
    """The replicas of a scenario.

    Parameters
    ----------
    problem
        The scenario.
    groups
        Its groups; equal replicas are one, named :data:`EQUAL`.
    machines
        A replica of each, by its name.
    """

    problem: RequestScenario
    groups: tuple[ReplicaGroup, ...]
    machines: Mapping[str, Machine]

    def deployment(self, policies: Mapping[str, Strategy], demands: Sequence[str]) -> Deployment:
        """Return the fleet under policies.

        Parameters
        ----------
        policies
            Those of the instances, by group.
        demands
            Classes of requests that it serves.

        Raises
        ------
        InputError
            When a way or an adapter is of no such class, or nothing says how KV moves along a way.
        """
        adapters = self._adapters(demands)
        groups = tuple(
            Group(
                group.name,
                self.machines[group.name].cost,
                kv_tokens=self.machines[group.name].kv_tokens,
                role=group.role,
                replicas=group.replicas,
                max_sequences=group.max_sequences or self.problem.max_sequences,
                block_size=self.problem.block_size,
                composition=policies[group.name].composition,
                admission=policies[group.name].admission,
                eviction=policies[group.name].eviction,
                order=policies[group.name].order,
                retention=policies[group.name].retention,
                link=self.machines[group.name].link,
                host=self.machines[group.name].host,
                adapters=adapters,
            )
            for group in self.groups
        )
        flows = [
            flow
            for number, way in enumerate(self.problem.ways)
            for flow in self._flows(f"ways[{number}]", way, demands)
        ]
        return Deployment(groups, tuple(flows))

    def _adapters(self, demands: Sequence[str]) -> AdapterMemory | None:
        """Return places for adapters, one of which each class has that is named."""
        stated = self.problem.adapters
        if stated is None:
            return None
        strange = sorted(set(stated.classes) - set(demands))
        if strange:
            expected = f"classes: {', '.join(demands)}"
            raise InputError.single("adapters.classes", ", ".join(strange), expected)
        own = set(stated.classes or demands)
        of = tuple(row if name in own else NONE for row, name in enumerate(demands))
        times = stated.load_seconds, stated.each_seconds
        return AdapterMemory(of, stated.slots, *times, stated.drops)

    def _flows(self, place: str, way: Way, demands: Sequence[str]) -> list[Flow]:
        if way.demand is not None and way.demand not in demands:
            expected = f"a class: {', '.join(demands)}"
            raise InputError.single(f"{place}.demand", repr(way.demand), expected)
        link = self._link(place, way) if way.decode else None
        return [
            Flow(demand, way.groups, way.decode or None, way.weight, link)
            for demand in ([way.demand] if way.demand is not None else demands)
        ]

    def _link(self, place: str, way: Way) -> Link:
        """Return how KV moves along a way, as the slowest of the prompts' replicas sends it."""
        stated = way.link or Transfer()
        found = []
        for field in ("bytes_per_second", "bytes_per_token"):
            value = getattr(stated, field)
            if value is None:
                name = "kv_bytes_per_token" if field == "bytes_per_token" else field
                values = [getattr(self.machines[group], name) for group in way.groups]
                if None in values:
                    expected = "a number, for a replica of a cost names no GPU and no model"
                    raise InputError.single(f"{place}.link.{field}", "nothing", expected)
                value = min(values) if field == "bytes_per_second" else max(values)
            found.append(value)
        return Link(found[1], found[0], stated.latency_seconds)


def stated_fleet(problem: RequestScenario) -> StatedFleet:
    """Resolve the replicas of a scenario.

    Raises
    ------
    InputError
        For names that the catalogue does not have, or a model that does not fit into its GPUs.
    """
    if problem.replica is not None:
        whole = ReplicaGroup(name=EQUAL, replica=problem.replica, replicas=problem.replicas)
        return StatedFleet(problem, (whole,), {EQUAL: machine(problem.replica)})
    machines = {
        group.name: machine(group.replica, f"groups[{number}].replica")
        for number, group in enumerate(problem.groups)
    }
    return StatedFleet(problem, problem.groups, machines)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run cost, at the prices of its GPUs from its start to its last request's end.

    Instances that come and go are paid for while they are up, starting or leaving.

    Parameters
    ----------
    dollars
        In all.
    dollars_per_million_tokens
        By tokens of the answers that were made.
    """

    dollars: float
    dollars_per_million_tokens: float


def spending(run: FleetRun, fleet: StatedFleet, router: Router) -> Spending | None:
    """Return what a run cost; ``None`` where a replica has no price, or when it served none.

    Parameters
    ----------
    run
        The run.
    fleet
        Its replicas.
    router
        The router of the run, which knows how long instances were up if they come and go.
    """
    tokens = int(run.table.output_tokens[run.served].sum())
    prices = [fleet.machines[instance.group].dollars_per_hour for instance in run.instances]
    known = [price for price in prices if price is not None]
    if len(known) < len(prices) or not tokens:
        return None
    hours = [run.makespan_seconds / _SECONDS_PER_HOUR] * len(known)
    if isinstance(router, Scaling):
        end = round(run.makespan_seconds * NS_PER_SECOND)
        up = [router.up_ns(index, end) / NS_PER_SECOND for index in range(len(known))]
        hours = [seconds / _SECONDS_PER_HOUR for seconds in up]
    dollars = sum(map(mul, hours, known))
    return Spending(dollars, dollars / tokens * 1e6)
