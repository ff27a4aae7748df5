"""Plans: where each pod shall go, who leaves for it, and the steps in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from scheduling.kubernetes.state import Object, item_of, uid_of
from scheduling.models.base import Frozen, Many, Name, Number, Status
from scheduling.models.placement.parts import Demands
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import Step


class Victim(Frozen):
    """A running pod that leaves its node by the plan, moved or evicted."""

    uid: str
    item: Name
    priority: int = 0


class PlannedPod(Frozen):
    """A pod with its planned node: a pending one, or a running one that moves."""

    uid: str
    item: Name = Field(description="namespace/name.")
    owner: str | None = Field(
        default=None, description="Its controller, namespace/kind/name: knows it when recreated."
    )
    priority: int = 0
    origin: Name | None = Field(default=None, description="Where it runs; none: it is pending.")
    node: Name = Field(description="Where it shall go.")
    demands: Demands = Field(default_factory=dict, description="What it takes of its node.")
    victims: Many[Victim] = Field(
        default=(), description="Pods on the planned node that the plan takes off it."
    )


class PlannedTier(Frozen):
    """Value and bound of one tier of the objective."""

    name: str
    objective: Number | None
    bound: Number | None


class Plan(Frozen):
    """What the solver found for one state of the cluster."""

    version: int = Field(description="Version of the state that it was made for.")
    status: Status
    gap: float | None = Field(default=None, description="Of the first open tier; none: unknown.")
    tiers: Many[PlannedTier] = ()
    seconds: float = Field(default=0.0, description="From the state to the plan.")
    pods: Many[PlannedPod] = ()
    unplaced: Many[Name] = Field(default=(), description="Pending pods that found no node.")
    steps: Many[Step] = Field(default=(), description="In an order in which each finds room.")
    uids: dict[Name, str] = Field(
        default_factory=dict, description="UID of each pod of the steps when the plan was made."
    )
    notes: Many[str] = ()


def owner_of(pod: Object) -> str | None:
    """Return a pod's controller as ``namespace/kind/name``."""
    for entry in pod["metadata"].get("ownerReferences") or ():
        if entry.get("controller"):
            space = item_of(pod).split("/", 1)[0]
            return f"{space}/{entry.get('kind', '')}/{entry.get('name', '')}"
    return None


def make_plan(
    version: int,
    problem: PlacementProblem,
    solution: PlacementSolution,
    steps: Sequence[Step],
    pods: Iterable[Object],
    *,
    seconds: float = 0.0,
    notes: Sequence[str] = (),
) -> Plan:
    """Put a solution into the words of the cluster.

    Parameters
    ----------
    version
        Version of the state that the problem was read from.
    problem, solution
        The problem, and what was found for it.
    steps
        The solution's steps in order.
    pods
        The pods of the state, for UIDs and owners.
    seconds
        What it took.
    notes
        What the reader left out.
    """
    raw = {item_of(pod): pod for pod in pods}
    targets = {entry.item: entry.node for entry in solution.placements}
    leaving: Mapping[str, list[Victim]] = defaultdict(list)
    for item in problem.items:
        if item.node is not None and targets.get(item.id) != item.node:
            victim = Victim(uid=uid_of(raw[item.id]), item=item.id, priority=item.priority)
            leaving[item.node].append(victim)
    planned = tuple(
        PlannedPod(
            uid=uid_of(raw[item.id]),
            item=item.id,
            owner=owner_of(raw[item.id]),
            priority=item.priority,
            origin=item.node,
            node=targets[item.id],
            demands=item.demands,
            victims=tuple(leaving.get(targets[item.id], ())),
        )
        for item in problem.items
        if item.id in targets and targets[item.id] != item.node
    )
    return Plan(
        version=version,
        status=solution.status,
        gap=solution.gap,
        tiers=tuple(
            PlannedTier(name=tier.name, objective=tier.objective, bound=tier.bound)
            for tier in solution.tiers
        ),
        seconds=seconds,
        pods=planned,
        unplaced=tuple(
            item.id for item in problem.items if item.node is None and item.id not in targets
        ),
        steps=tuple(steps),
        uids={step.item: uid_of(raw[step.item]) for step in steps},
        notes=tuple(notes),
    )
