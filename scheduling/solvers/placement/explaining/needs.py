"""The constraints that an item's placement hangs on, one by one, and problems without some."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from scheduling.models.placement.check_neighbours import selects
from scheduling.models.placement.check_nodes import taints_in_the_way
from scheduling.models.placement.problem import Item, Node, PlacementProblem, Quota
from scheduling.models.placement.rules import ItemTerm, Toleration

NODE_KINDS = ("resource", "parts", "aligned", "label", "affinity", "volume", "taint", "cordon")
"""Kinds of needs that a node meets or not by itself."""

AMOUNTS = ("resource", "parts", "aligned")
"""Those of them that a node may meet when it is empty and not as it is filled."""

RULES = {"together": "affinity", "apart": "anti_affinity", "spread": "spread"}
"""Kinds of needs that are rules between items, and the fields that hold them."""

_MOST_BUDGETS = 20
"""From so many disruption budgets on they are looked at together."""


@dataclass(frozen=True, slots=True)
class Need:
    """One constraint.

    Attributes
    ----------
    kind
        One of :data:`NODE_KINDS`, a rule between items, or a limit of the whole cluster.
    names
        Which one: a resource, a label's key, the number of a term, ids of budgets.
    """

    kind: str
    names: tuple[str | int, ...] = ()


def needs_of(problem: PlacementProblem, item: Item) -> Iterator[Need]:
    """Yield what an item needs: first of its node, then of its neighbours, then of the cluster."""
    yield from node_needs_of(problem, item)
    yield from (Need("port", (number,)) for number in range(len(item.ports)))
    for kind, field in RULES.items():
        yield from (Need(kind, (number,)) for number in range(len(getattr(item, field))))
    yield from (Need("avoided", (name,)) for name in _avoiding(problem, item))
    if item.gang is not None:
        yield Need("gang", (item.gang,))
    if problem.interference and any(i.max_degradation is not None for i in problem.items):
        yield Need("interference")
    if not item.preempts:
        yield Need("patience")
    yield from _limits(problem, item)


def node_needs_of(problem: PlacementProblem, item: Item) -> Iterator[Need]:
    """Yield what an item needs of its node: the kinds that a node meets or not by itself."""
    yield from (Need("resource", (name,)) for name, need in item.demands.items() if need > 0)
    yield from (Need("parts", (share.kind,)) for share in item.shares)
    if item.together is not None:
        yield Need("aligned", (item.together,))
    yield from (Need("label", (key,)) for key in item.node_selector)
    if item.node_affinity:
        yield Need("affinity")
    yield from (Need("volume", (number,)) for number in range(len(item.volumes)))
    taints = dict.fromkeys(t.key for node in problem.nodes for t in taints_in_the_way(item, node))
    yield from (Need("taint", (key,)) for key in taints)
    if any(node.closed for node in problem.nodes):
        yield Need("cordon")


def _avoiding(problem: PlacementProblem, item: Item) -> Iterator[str]:
    """Yield the owners (or names) of other items whose anti-affinity means an item."""
    found: dict[str, None] = {}
    for other in problem.items:
        if other.anti_affinity and other.id != item.id and _avoids(other, item):
            found[_owner(other)] = None
    yield from found


def _owner(item: Item) -> str:
    return item.id if item.owner is None else f"{item.namespace}/{item.owner}"


def _avoids(other: Item, item: Item) -> bool:
    return any(_means(term, other, item) for term in other.anti_affinity)


def _means(term: ItemTerm, owner: Item, item: Item) -> bool:
    spaces = term.namespaces or (owner.namespace,)
    return item.namespace in spaces and selects(term.selector, item.labels)


def counts_for(quota: Quota, item: Item) -> bool:
    """Tell whether an item counts for a quota."""
    named = quota.members is None or item.id in quota.members
    return item.namespace == quota.namespace and named


def _limits(problem: PlacementProblem, item: Item) -> Iterator[Need]:
    for quota in problem.quotas:
        if counts_for(quota, item) and any(map(item.demands.get, quota.limits)):
            yield Need("quota", (quota.id,))
    if any(entry.pinned for entry in problem.items):
        yield Need("pinned")
    if len(problem.budgets) > _MOST_BUDGETS:
        yield Need("budget", tuple(budget.id for budget in problem.budgets))
    else:
        yield from (Need("budget", (budget.id,)) for budget in problem.budgets)
    if problem.max_moves is not None:
        yield Need("moves")
    yield Need("priority")


def without(
    problem: PlacementProblem, members: Collection[str], dropped: Collection[Need]
) -> PlacementProblem:
    """Return a problem without some needs of some items.

    The need ``priority`` is no part of a problem: it says which other items have to be placed too.
    """
    lost: dict[str, set[str | int]] = {}
    for need in dropped:
        lost.setdefault(need.kind, set()).update(need.names or (0,))
    changed: dict[str, Any] = {}
    if "cordon" in lost:
        changed["nodes"] = tuple(map(_opened, problem.nodes))
    if "budget" in lost:
        changed["budgets"] = tuple(b for b in problem.budgets if b.id not in lost["budget"])
    if "quota" in lost:
        changed["quotas"] = tuple(q for q in problem.quotas if q.id not in lost["quota"])
    if "interference" in lost:
        changed["interference"] = ()
    if "moves" in lost:
        changed["max_moves"] = None
    wanted = [item for item in problem.items if item.id in members]
    nodes = {node.id: node for node in problem.nodes} if "parts" in lost else {}
    changed["items"] = tuple(
        _freed(item, lost, nodes.get(item.node or ""))
        if item.id in members
        else _neighbour(item, lost, wanted)
        for item in problem.items
    )
    return problem.model_copy(update=changed)


def _opened(node: Node) -> Node:
    return node.model_copy(update={"closed": False}) if node.closed else node


def _freed(item: Item, lost: dict[str, set[str | int]], node: Node | None) -> Item:
    """Return an item without its own needs of some kinds; ``node`` is where it runs."""
    none: set[str | int] = set()
    update: dict[str, Any] = {
        "demands": {k: v for k, v in item.demands.items() if k not in lost.get("resource", none)},
        "node_selector": {
            k: v for k, v in item.node_selector.items() if k not in lost.get("label", none)
        },
        "volumes": _kept(item.volumes, lost.get("volume", none)),
        "ports": _kept(item.ports, lost.get("port", none)),
        "tolerations": (
            *item.tolerations,
            *(
                Toleration(key=str(key), operator="Exists")
                for key in sorted(map(str, lost.get("taint", none)))
            ),
        ),
    }
    for kind, field in RULES.items():
        update[field] = _kept(getattr(item, field), lost.get(kind, none))
    if "affinity" in lost:
        update["node_affinity"] = ()
    if "gang" in lost:
        update["gang"] = None
    if "patience" in lost:
        update["preempts"] = True
    if "aligned" in lost:
        update["together"] = None
    if "parts" in lost:
        kinds = {} if node is None else {part.id: part.kind for part in node.parts}
        update["shares"] = tuple(s for s in item.shares if s.kind not in lost["parts"])
        update["parts"] = tuple(u for u in item.parts if kinds[u.part] not in lost["parts"])
    return item.model_copy(update=update)


def _kept(entries: tuple[Any, ...], lost: set[str | int]) -> tuple[Any, ...]:
    return tuple(entry for number, entry in enumerate(entries) if number not in lost)


def _neighbour(item: Item, lost: dict[str, set[str | int]], wanted: list[Item]) -> Item:
    """Return another item without what keeps it in place or the wanted ones away."""
    update: dict[str, Any] = {}
    if item.pinned and "pinned" in lost:
        update["pinned"] = False
    if "gang" in lost and item.gang in lost["gang"]:
        update["gang"] = None
    if item.anti_affinity and _owner(item) in lost.get("avoided", ()):
        update["anti_affinity"] = tuple(
            term
            for term in item.anti_affinity
            if not any(_means(term, item, other) for other in wanted)
        )
    return item.model_copy(update=update) if update else item
