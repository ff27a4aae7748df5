"""Typed problems of serving fleets: how many replicas of which template, and who serves what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.cost.layout import Layout
from scheduling.models.serving.plan import Count, Prediction, Role

if TYPE_CHECKING:
    from scheduling.models.serving.solution import ServingSolution

RATE_SCALE = 10**6
"""Rates of requests are counted in millionths of a request a second."""

COST_SCALE = 10**4
"""Costs are counted in ten-thousandths of a dollar an hour, each GPU's price rounded."""

TIME_SCALE = 10**5
"""Busy time of a request, as a multiple of the shortest that its template has, is counted in
hundred-thousandths, rounded down."""

RATE_UNIT = 100
"""Tiers ``unserved`` and ``rate`` count so many millionths as one, to the nearest: in
ten-thousandths of a request a second."""

GOODPUT_SCALE = 10**4
"""Tier ``goodput`` counts in ten-thousandths of the demands' rates, to the nearest."""

KV_SCALE = 10**3
"""KV caches are counted in kilobytes, rounded up."""

Goal = Literal["unserved", "cost", "gpus", "watts", "goodput", "rate", "moves"]

MAXIMISED: frozenset[str] = frozenset({"goodput", "rate"})
"""Goals of sense ``max``."""

MOST_RATE = 10**5
"""Most requests per second of a demand, and that a replica is said to serve."""

MOST_KV_BYTES = 10**11
"""Most bytes of KV cache that a request moves from prefill to decode."""

Rate = Annotated[float, Field(gt=0, le=MOST_RATE, allow_inf_nan=False, strict=False)]
Factor = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False, strict=False)]
Ceiling = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=False)]
Price = Annotated[float, Field(ge=0, le=10**5, allow_inf_nan=False, strict=False)]
Watts = Annotated[float, Field(ge=0, le=10**5, allow_inf_nan=False, strict=False)]
Bandwidth = Annotated[float, Field(gt=0, le=10**13, allow_inf_nan=False, strict=False)]


class Pool(Frozen):
    """Equal GPUs: either ``nodes`` of ``gpus_per_node`` each, or ``gpus`` without nodes.

    Where there are nodes, the GPUs of a replica that must share a domain lie in one NVLink domain:
    on one node when they fit on it, else on whole nodes of one domain. A domain is a part of a
    node, a node, or several nodes. Without nodes only the number of GPUs counts.
    """

    id: Name
    gpu: Name = Field(description="Type of its GPUs.")
    nodes: Annotated[int, Field(ge=1, le=10**6)] | None = None
    gpus_per_node: Annotated[int, Field(ge=1, le=1024)] | None = None
    domain_gpus: Annotated[int, Field(ge=1, le=10**5)] | None = Field(
        default=None, description="GPUs of one NVLink domain; default: those of a node."
    )
    gpus: Annotated[int, Field(ge=0, le=10**7)] | None = Field(
        default=None, description="Number of GPUs of a pool whose nodes are not planned."
    )
    price_per_hour: Price | None = Field(default=None, description="Dollars for one GPU.")
    watts: Watts | None = Field(default=None, description="Power of one busy GPU, in watts.")
    kv_bytes_per_second: Bandwidth | None = Field(
        default=None,
        description="Network bandwidth of each node for KV caches, in each direction; "
        "default: any.",
    )

    @property
    def size(self) -> int:
        """Number of its GPUs."""
        return self.gpus if self.gpus is not None else (self.nodes or 0) * (self.gpus_per_node or 0)

    @property
    def domain(self) -> int | None:
        """GPUs of one NVLink domain; ``None`` without nodes."""
        return self.domain_gpus or self.gpus_per_node


class Demand(Frozen):
    """Requests of one class that are to be served by one model."""

    id: Name
    model: Name
    requests_per_second: Rate | None = Field(
        default=None, description="Rate at which they come; default: as many as can be served."
    )
    kv_bytes_per_request: Annotated[int, Field(ge=0, le=MOST_KV_BYTES)] = Field(
        default=0, description="KV cache that moves from prefill to decode."
    )


class Template(Frozen):
    """A kind of replica: one model in one role and layout on the GPUs of one pool.

    A replica that serves ``f[c]`` requests a second of demand c is busy for ``sum(f[c] / r[c])`` of
    the time, with r = ``rates``. Of n replicas each may be busy for ``ceilings[n - 1]`` of the
    time; the last entry holds for all larger n. Ceilings below 1 keep queues short; they never
    fall, as larger pools bear higher ones.
    """

    id: Name
    model: Name
    role: Role = "both"
    pool: Name
    layout: Layout = Layout()
    domain_gpus: Count | None = Field(
        default=None,
        description="GPUs that must share one NVLink domain; default: tp of the layout.",
    )
    rates: dict[Name, Rate] = Field(
        min_length=1,
        description="Requests a second of each demand that one replica sustains when it serves "
        "that demand alone and is always busy.",
    )
    ceilings: Annotated[Many[Ceiling], Field(min_length=1, max_length=256)] = (1.0,)
    watts: Watts | None = Field(
        default=None, description="Power of one replica; default: its GPUs by the pool's watts."
    )
    prediction: Prediction | None = Field(
        default=None, description="What is expected of a replica; carried through."
    )

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.layout.gpus

    @property
    def group(self) -> int:
        """GPUs of one replica that must share one NVLink domain."""
        return self.domain_gpus or self.layout.tp

    @property
    def groups(self) -> int:
        """Number of such groups in one replica."""
        return self.gpus // self.group


class Scenario(Frozen):
    """A future that the same replicas must serve, with requests routed anew.

    Factors on the rates of demands and of templates; those not named have ``all_demands`` and
    ``all_rates``.
    """

    id: Name
    all_demands: Factor = 1.0
    all_rates: Factor = 1.0
    demands: dict[Name, Factor] = Field(default_factory=dict)
    rates: dict[Name, Factor] = Field(default_factory=dict)


class Limits(Frozen):
    """Most that a plan may use; default: any."""

    gpus: Annotated[int, Field(ge=0, le=10**9)] | None = None
    cost_per_hour: Annotated[float, Field(ge=0, le=10**9, strict=False)] | None = Field(
        default=None, description="Dollars."
    )
    watts: Annotated[float, Field(ge=0, le=10**11, strict=False)] | None = None
    templates_per_role: Count | None = Field(
        default=None, description="Different templates in use for each model and role."
    )
    moves: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None, description="Replicas started and stopped against the running plan."
    )


class Running(Frozen):
    """Replicas of a template that run now."""

    template: Name
    replicas: Annotated[int, Field(ge=0, le=10**6)]


class ServingProblem(Problem):
    """A fleet to be planned, best in tiers by the order of ``goals``.

    Every request of a demand is served whole by a replica of role ``both``, or first by one of
    role ``prefill`` and then by one of role ``decode``, all of the demand's model. With
    ``kv_affinity`` ``high`` the KV cache goes from prefill to decode over the network: what leaves
    the prefill replicas of a pool, and what enters its decode replicas, stays within the bandwidth
    of its nodes. With ``low`` it stays on a site: the replicas of a site prefill and decode the
    same requests. A site is a node, or several where its replicas have several groups (equally
    many each): then each node has one group of every replica (algorithm 2 of DistServe). There n
    of ``ceilings`` counts the replicas of a site, and equal sites have equal shares of the load.

    The given demands, and every scenario's, are met in full (``unserved`` is 0), unless ``goals``
    has ``unserved``, ``goodput`` or ``rate``. Tiers, the first three the worst over the given rates
    and all scenarios:

    ``unserved``: rate that is not served, in ten-thousandths of a request a second, to the nearest.
    ``rate`` (max): rate that is served, likewise. ``goodput`` (max): largest factor at which all
    demands are served together, in ten-thousandths, to the nearest; it may exceed one. ``cost``:
    ten-thousandths of a dollar an hour. ``gpus``: GPUs of all replicas. ``watts``: of all
    replicas, each rounded up. ``moves``: replicas started and stopped against ``running``.

    A replica brings ``floor(ceiling * rate * factor)`` millionths of its fastest demand.

    Source: placement and sizing of DistServe (OSDI 2024) and Splitwise (ISCA 2024), stated as one
    integer program.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["serving"] = "serving"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> ServingSolution: ...

    pools: Annotated[Many[Pool], Field(min_length=1)]
    demands: Annotated[Many[Demand], Field(min_length=1)]
    templates: Many[Template] = ()
    kv_affinity: Literal["high", "low"] = "high"
    limits: Limits = Limits()
    scenarios: Many[Scenario] = ()
    running: Many[Running] = ()
    goals: Annotated[Many[Goal], Field(min_length=1)] = ("cost",)

    @property
    def demands_are_met(self) -> bool:
        """Whether every demand must be served in full."""
        return not {"unserved", "goodput", "rate"} & set(self.goals)

    def _faults(self) -> list[Fault]:
        from scheduling.models.serving.validation import find_faults

        return find_faults(self)
