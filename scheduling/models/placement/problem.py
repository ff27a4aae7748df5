"""Typed placement problems: which item stands on which node, who moves and who is evicted.

Amounts are integers in each resource's own unit; of a cluster's snapshot these are thousandths of a
CPU, bytes of memory and storage, and counts of everything else. Times of windows are integers in
the instance's own unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.placement.measures import Balance, Interference, Workload
from scheduling.models.placement.parts import MAX_TOTAL, Demands, Fragment, Part, PartUse, Share
from scheduling.models.placement.rules import (
    ItemPreference,
    ItemTerm,
    Labels,
    NodePreference,
    NodeTerm,
    Port,
    Selector,
    Spread,
    Taint,
    Toleration,
    Window,
)

if TYPE_CHECKING:
    from scheduling.models.placement.solution import PlacementSolution

Priority = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Cost = Annotated[int, Field(ge=0, le=10**6)]


class Node(Frozen):
    """A machine that items stand on.

    For each resource r: ``sum(demand_i[r] for items i on the node) <= capacity[r]``; a resource
    that is not named has capacity 0.
    """

    id: Name
    capacity: Demands
    labels: Labels = Field(default_factory=dict)
    taints: Many[Taint] = ()
    closed: bool = Field(default=False, description="Takes no further items (cordoned).")
    cost: Cost = Field(default=0, description="Cost of the node when anything stands on it.")
    parts: Many[Part] = Field(default=(), description="Compartments: GPUs, NUMA nodes.")


class Item(Frozen):
    """What is placed: a pod, a VM, a replica; on exactly one node or nowhere."""

    id: Name
    demands: Demands = Field(default_factory=dict)
    priority: Priority = 0
    node: Name | None = Field(default=None, description="Where it runs now; none: it is pending.")
    pinned: bool = Field(default=False, description="It stays where it runs.")
    leaving: bool = Field(
        default=False, description="It is being deleted: rules of spread do not count it."
    )
    namespace: Name = "default"
    labels: Labels = Field(default_factory=dict)
    owner: Name | None = Field(
        default=None, description="Controller that made it, such as a ReplicaSet."
    )
    tolerations: Many[Toleration] = ()
    node_selector: Labels = Field(
        default_factory=dict, description="Labels that its node must have."
    )
    node_affinity: Many[NodeTerm] = Field(
        default=(), description="Its node meets one of these terms; empty: any node."
    )
    volumes: Many[Many[NodeTerm]] = Field(
        default=(), description="For each volume: its node meets one of the terms."
    )
    preferences: Many[NodePreference] = Field(
        default=(), description="Wishes for nodes; the goal preferences counts those not met."
    )
    item_preferences: Many[ItemPreference] = Field(
        default=(), description="Wishes for neighbours; the goal preferences counts them too."
    )
    affinity: Many[ItemTerm] = Field(
        default=(),
        description=(
            "For each term: such an item stands in its domain, and was there before it. An item "
            "that all its terms mean is also let in where none such stands yet in any domain; it "
            "is the first, and others with the same terms follow it into its domains."
        ),
    )
    anti_affinity: Many[ItemTerm] = Field(
        default=(), description="For each term: no other such item stands in its domain."
    )
    spread: Many[Spread] = ()
    soft_spread: Many[Spread] = Field(
        default=(), description="Wishes; only the solver default-scheduler looks at them."
    )
    ports: Many[Port] = ()
    shares: Many[Share] = Field(
        default=(), description="What it takes of parts of its node, at most one of each kind."
    )
    together: Name | None = Field(
        default=None, description="All parts that it takes have one value of this group."
    )
    parts: Many[PartUse] = Field(default=(), description="The parts that it takes now.")
    gang: Name | None = Field(
        default=None, description="Items of a gang are placed together or not at all."
    )
    window: Window | None = Field(
        default=None,
        description="When it is there, half-open: a reservation; none: always.",
    )
    preempts: bool = Field(
        default=True,
        description=(
            "False: while pending, it takes only what is free of its node's resources, parts and "
            "ports beside all that runs there now; nothing leaves for it."
        ),
    )
    max_degradation: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None,
        description="Most that it loses by interference, where it or what slows it down arrives.",
    )
    move_cost: Cost = 1
    eviction_cost: Cost = 1


class Budget(Frozen):
    """Disruption budget: of the items meant, at most ``allowed`` running ones are disturbed.

    An item that is moved or evicted is disturbed.
    """

    id: Name
    namespace: Name = "default"
    selector: Selector
    allowed: Annotated[int, Field(ge=0, le=10**9)]
    exempt: Many[Name] = Field(
        default=(), description="Items that do not count when disturbed, such as unhealthy ones."
    )


class Gang(Frozen):
    """What holds for a gang: how many of its items at least, and in one domain of a label.

    Pending items are only placed, and running ones only evicted in part, where at least ``least``
    items of the gang are placed. Where one of them arrives, all that are placed stand on nodes with
    one value of the label ``topology``. A gang that is not listed is placed as a whole, anywhere.
    """

    id: Name
    least: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        default=None, description="Fewest items that are placed together; none: all."
    )
    topology: Name | None = Field(
        default=None, description="Label whose domains hold the gang one at a time; none: anywhere."
    )


class Quota(Frozen):
    """Sum of the demands of a namespace's placed items: at most ``limits``, by resource."""

    id: Name
    namespace: Name = "default"
    limits: dict[Name, Annotated[int, Field(ge=0, le=MAX_TOTAL)]]
    members: Many[Name] | None = Field(
        default=None, description="Items of the namespace that count; none given: all."
    )


Goal = Literal[
    "evictions",
    "moves",
    "nodes",
    "cost",
    "fragments",
    "preferences",
    "balance",
    "interference",
    "spread",
    "fragmentation",
]


class PlacementProblem(Problem):
    """A placement problem, minimised in tiers.

    The first tiers are the items left unplaced, one tier for each priority from high to low; the
    others follow in the order of ``goals``: ``evictions`` (sum of eviction costs of items that ran
    and no longer do), ``moves`` (sum of move costs of items that change their node or the parts
    that they take), ``nodes`` (number of nodes in use), ``cost`` (their cost), ``fragments`` (what
    is free in pieces below the unit of ``fragment``), ``preferences`` (sum of the weights of the
    wishes of placed items that are not met), ``balance`` (how full the fullest node is),
    ``interference`` (sum of what placed items lose beside each other), ``spread`` (sum over owners
    of the largest number of their items in one domain), ``fragmentation`` (what typical requests
    cannot use of what is free, see :class:`~scheduling.models.placement.measures.Workload`).

    Rules bind what changes, that is new items and those that change their node or parts: an item
    that stays where it runs may go on breaking them, a resource of a node that is overcommitted now
    takes further demand only where all fits then, one of a part takes none, and a quota exceeded
    now may not grow.

    Capacities of nodes and parts, and ports, hold at every moment: items whose ``window`` do not
    overlap use the same room one after the other. All other rules, and goals that do not say so,
    look at all items as if they were there together.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["placement"] = "placement"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> PlacementSolution: ...

    nodes: Many[Node]
    items: Many[Item] = ()
    budgets: Many[Budget] = ()
    quotas: Many[Quota] = ()
    gangs: Many[Gang] = ()
    max_moves: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None, description="Most items that may change their place or be evicted."
    )
    goals: Many[Goal] = ("evictions", "moves")
    fragment: Fragment | None = Field(default=None, description="What the goal fragments measures.")
    balance: Balance | None = Field(default=None, description="What the goal balance measures.")
    interference: Many[Interference] = Field(
        default=(), description="What items on one node cost each other."
    )
    workload: Workload | None = Field(
        default=None, description="What the goal fragmentation and the greedy rule fgd look at."
    )
    spread_topology: Name | None = Field(
        default=None,
        description="Label whose values are the domains of the goal spread; nodes without it are "
        "domains by themselves. None: every node is one.",
    )

    units: dict[Name, Literal["bytes", "thousandths"]] = Field(
        default_factory=dict,
        description="What amounts of a resource count, where not pieces: people read 214748364800 "
        "bytes as 200Gi, and 1500 thousandths as 1.5.",
    )

    def _faults(self) -> list[Fault]:
        from scheduling.models.placement.validation import find_faults

        return find_faults(self)

    @property
    def priorities(self) -> tuple[int, ...]:
        """Priorities of the items, from high to low."""
        return tuple(sorted({item.priority for item in self.items}, reverse=True))

    @property
    def tier_names(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        if not self.items:
            return tuple(self.goals) or ("unplaced",)
        unplaced = (f"unplaced of priority {priority}" for priority in self.priorities)
        return (*unplaced, *self.goals)
