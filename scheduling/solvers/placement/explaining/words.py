"""Needs in the words of the user."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.arrays import Flags
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import Requirement, Selector
from scheduling.solvers.explain import Label
from scheduling.solvers.placement.explaining.needs import AMOUNTS, NODE_KINDS, RULES, Need
from scheduling.solvers.placement.explaining.table import NodeTable

_SHOWN = 3


def labels_of(
    table: NodeTable, item: Item, conflict: list[Need], *, empty: bool
) -> tuple[Label, ...]:
    """Return a label for each need of a conflict.

    Parameters
    ----------
    table
        The nodes.
    item
        The item that is left out.
    conflict
        Its needs that cannot all be met.
    empty
        Whether not even empty nodes meet them; otherwise what is free counts.
    """
    return tuple(_label(table, item, need, conflict, empty=empty) for need in conflict)


def _label(table: NodeTable, item: Item, need: Need, conflict: list[Need], *, empty: bool) -> Label:
    if need.kind in NODE_KINDS:
        return Label(need.kind, (item.id,), _node_words(table, item, need, conflict, empty=empty))
    sentence, entities = _cluster_words(table.problem, item, need)
    return Label(need.kind, entities or (item.id,), sentence)


def _node_words(
    table: NodeTable, item: Item, need: Need, conflict: list[Need], *, empty: bool
) -> str:
    met, total = table.meets(item, need), len(table.node_ids)
    share = f"({int(met.sum())} of {total} nodes)"
    if need.kind == "resource":
        name = str(need.names[0])
        best = _most(table, item, need, conflict, empty=empty)
        wanted, most = amount_words(table.problem, name, item.demands[name], best)
        if best >= item.demands[name]:
            # Only what else it needs keeps it from these nodes.
            enough = int((table.room(name, empty=empty) >= item.demands[name]).sum())
            limit = f"{'there' if empty else 'free'} on {enough} of {total} nodes"
        elif empty:
            limit = f"no allowed node has more than {most}"
        else:
            limit = f"at most free on one allowed node: {most}"
        return f"{item.id} needs {wanted} {name} ({limit})"
    if need.kind in ("parts", "aligned"):
        held = met if empty else table.meets_now(item, need)
        state = "have room for that when empty" if empty else "have room for that now"
        share = f"({int(held.sum())} of {total} nodes {state})"
        if need.kind == "aligned":
            return f"{item.id} needs all its parts in one {need.names[0]} {share}"
        count = next(s.count for s in item.shares if s.kind == need.names[0])
        return f"{item.id} needs {count} {need.names[0]} with room for what it takes {share}"
    if need.kind == "label":
        key = str(need.names[0])
        return f"{item.id} needs a node with the label {key}={item.node_selector[key]} {share}"
    if need.kind == "affinity":
        return f"{item.id} needs a node that its node affinity allows {share}"
    if need.kind == "volume":
        return f"{item.id} needs a node that reaches its volume {need.names[0]} {share}"
    barred = int((~met).sum())
    if need.kind == "taint":
        nodes = "1 node has it" if barred == 1 else f"{barred} nodes have it"
        return f"{item.id} does not tolerate the taint {need.names[0]} ({nodes})"
    return f"cordoned nodes take nothing more ({barred} of {total} nodes)"


def amount_words(
    problem: PlacementProblem, resource: str, *amounts: int, exact: bool = False
) -> list[str]:
    """Write amounts of a resource in its unit, as Kubernetes does: ``200Gi``, ``1.5``.

    Parameters
    ----------
    problem
        Says what the resource counts.
    resource, amounts
        What, and how much.
    exact
        Whether they are to be asked for as they are written; otherwise what is left of hundredths
        is cut off, unless amounts that differ would then look the same.
    """
    unit = problem.units.get(resource)
    if unit == "thousandths":
        return [f"{amount / 1000:.3f}".rstrip("0").rstrip(".") for amount in amounts]
    if unit == "bytes":
        shown = [_bytes(amount, exact=exact) for amount in amounts]
        if len(set(shown)) == len(set(amounts)):
            return shown
    # Long numbers have their thousands apart.
    return [str(one) if one < 100_000 else f"{one:,}".replace(",", " ") for one in amounts]


def _bytes(amount: int, *, exact: bool) -> str:
    size, name = 1, ""
    for prefix in "KMGTP":
        if amount < 1024 * size or (exact and amount % (1024 * size)):
            break
        size, name = 1024 * size, f"{prefix}i"
    hundredths = 100 * amount // size
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".") + name


def allowed_by_others(table: NodeTable, item: Item, need: Need, conflict: list[Need]) -> Flags:
    """Nodes that meet all node needs of a conflict but one."""
    allowed = np.ones(len(table.node_ids), bool)
    for other in conflict:
        if other != need and other.kind in NODE_KINDS and other.kind not in AMOUNTS:
            allowed &= table.meets(item, other)
    return allowed


def _most(table: NodeTable, item: Item, need: Need, conflict: list[Need], *, empty: bool) -> int:
    allowed = allowed_by_others(table, item, need, conflict)
    room = table.room(str(need.names[0]), empty=empty)[allowed]
    return max(0, int(room.max(initial=0)))


def _cluster_words(
    problem: PlacementProblem, item: Item, need: Need
) -> tuple[str, tuple[str, ...]]:
    """Return the sentence for a need that no node meets by itself, and the entities it names."""
    names = tuple(map(str, need.names))
    if need.kind == "port" or need.kind in RULES:
        return f"{item.id} {rule_words(item, need)}", ()
    shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
    pinned = sum(entry.pinned for entry in problem.items)
    sentences = {
        "avoided": f"{shown} keeps {item.id} away by its anti-affinity",
        "gang": f"the gang {shown} is placed as a whole or not at all",
        "patience": f"{item.id} preempts nothing: it takes only what is free now",
        "interference": f"{item.id} or what stands beside it would lose too much",
        "quota": f"the quota {shown} limits what {item.namespace} takes",
        "pinned": f"{pinned} pinned items stay where they run",
        "budget": f"disruption budgets allow no more: {shown}",
        "moves": f"at most {problem.max_moves} running items may be moved or evicted",
        "priority": f"nothing of priority {item.priority} or higher is given up for {item.id}",
    }
    return sentences[need.kind], names


def rule_words(item: Item, need: Need) -> str:
    """Say what a port or a rule between items asks for."""
    number = int(need.names[0])
    if need.kind == "port":
        port = item.ports[number]
        where = f" on {port.address}" if port.address else ""
        return f"needs the port {port.port}/{port.protocol} of its node{where}"
    if need.kind == "spread":
        spread = item.spread[number]
        meant = selector_words(spread.selector)
        return f"spreads {meant} over {spread.topology} with a skew of at most {spread.max_skew}"
    if need.kind == "together":
        term = item.affinity[number]
        return f"stands with {selector_words(term.selector)} in one {term.topology}"
    term = item.anti_affinity[number]
    return f"keeps apart from {selector_words(term.selector)} by {term.topology}"


def selector_words(selector: Selector) -> str:
    """Say which items a selector means."""
    parts = [f"{key}={value}" for key, value in selector.match.items()]
    parts += map(_requirement_words, selector.requirements)
    return ", ".join(parts) or "all items"


def _requirement_words(requirement: Requirement) -> str:
    values = f" ({', '.join(requirement.values)})" if requirement.values else ""
    return f"{requirement.key} {requirement.operator}{values}"
