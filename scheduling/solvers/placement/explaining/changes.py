"""Changes that may admit items: what is changed, in words, and the changed problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scheduling.models.placement.check_neighbours import selects
from scheduling.models.placement.check_parts import same_parts
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodeTerm
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.solvers.placement.explaining.conflict import Conflict
from scheduling.solvers.placement.explaining.needs import Need, counts_for, without
from scheduling.solvers.placement.explaining.table import NodeTable
from scheduling.solvers.placement.explaining.words import (
    allowed_by_others,
    amount_words,
    rule_words,
)

Try = Callable[[PlacementProblem], PlacementSolution | None]
"""Solves a changed problem; ``None``: no time left."""

Where = dict[str, Placement]

_SHOWN = 3
_PRIORITIES = 3
"""Higher priorities that are tried for one item."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that has not been tried yet."""

    text: str
    problem: PlacementProblem


@dataclass(frozen=True, slots=True)
class Setting:
    """What the candidates of a group of equal items follow from.

    Attributes
    ----------
    table
        The nodes, with the problem.
    members
        The items that are left out, or the members of a gang.
    conflict
        What keeps them out.
    attempt
        Solves a changed problem.
    """

    table: NodeTable
    members: tuple[Item, ...]
    conflict: Conflict
    attempt: Try

    @property
    def problem(self) -> PlacementProblem:
        """The problem as it is."""
        return self.table.problem

    @property
    def names(self) -> frozenset[str]:
        """Ids of the members."""
        return frozenset(item.id for item in self.members)


def candidates(setting: Setting, need: Need) -> Iterator[Candidate]:
    """Yield changes that touch one need of the conflict."""
    if need.kind in _DIRECT:
        yield from _DIRECT[need.kind](setting, need)
    elif need.kind == "priority":
        yield from _priorities(setting)
    else:
        yield from _after_a_look(setting, need)


def promising(setting: Setting, need: Need) -> bool:
    """Tell whether, but for a need, some node is free for a member as things stand."""
    if need.kind in _DISTURBING:
        return False
    return bool(setting.table.free_but_for(setting.members[0], need).any())


_DISTURBING = ("moves", "budget", "pinned", "priority")
"""Needs without which others have to leave."""


def _shown(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _who(setting: Setting) -> str:
    return _shown([item.id for item in setting.members])


# ---------------------------------------------------------------- changes that need no look first


def _smaller(setting: Setting, need: Need) -> Iterator[Candidate]:
    """Ask for as much of a resource as is free on some node."""
    table, item, name = setting.table, setting.members[0], str(need.names[0])
    allowed = allowed_by_others(table, item, need, list(setting.conflict.needs))
    free = int(table.room(name, empty=False)[allowed].max(initial=0))
    if 0 < free < item.demands[name]:
        demands = {**item.demands, name: free}
        less, now = amount_words(table.problem, name, free, item.demands[name], exact=True)
        text = f"{_who(setting)} asks for {less} instead of {now} {name}"
        yield Candidate(text, _with_items(setting, {"demands": demands}))


def _fewer_parts(setting: Setting, need: Need) -> Iterator[Candidate]:
    """Ask for as many parts as some node has free."""
    item, kind = setting.members[0], str(need.names[0])
    share = next(share for share in item.shares if share.kind == kind)
    most = setting.table.most_parts(item, kind)
    if 0 < most < share.count:
        smaller = share.model_copy(update={"count": most})
        shares = tuple(smaller if entry is share else entry for entry in item.shares)
        # Where one of them ran it took more; it starts anew.
        changed = _with_items(setting, {"shares": shares, "node": None, "parts": ()})
        yield Candidate(f"{_who(setting)} asks for {most} instead of {share.count} {kind}", changed)


def _unaligned(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    yield Candidate(f"{_who(setting)} takes parts of more than one {need.names[0]}", changed)


def _tolerant(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    yield Candidate(f"{_who(setting)} tolerates the taint {need.names[0]}", changed)
    yield from _after_a_look(setting, need)


def _ruleless(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    rule = rule_words(setting.members[0], need)
    yield Candidate(f"{_who(setting)} no longer {rule}", changed)


def _welcome(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    text = f"{need.names[0]} no longer keeps {_who(setting)} away by its anti-affinity"
    yield Candidate(text, changed)


def _scattered(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    yield Candidate(f"the gang {need.names[0]} may be placed in part", changed)


def _impatient(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    yield Candidate(f"{_who(setting)} may make others leave", changed)


def _borne(setting: Setting, need: Need) -> Iterator[Candidate]:
    changed = without(setting.problem, setting.names, {need})
    yield Candidate("nothing limits what items lose beside each other", changed)


_DIRECT: dict[str, Callable[[Setting, Need], Iterator[Candidate]]] = {
    "resource": _smaller,
    "parts": _fewer_parts,
    "aligned": _unaligned,
    "taint": _tolerant,
    "port": _ruleless,
    "together": _ruleless,
    "apart": _ruleless,
    "spread": _ruleless,
    "avoided": _welcome,
    "gang": _scattered,
    "patience": _impatient,
    "interference": _borne,
}


def _with_items(setting: Setting, update: dict[str, Any]) -> PlacementProblem:
    names = setting.names
    items = tuple(
        item.model_copy(update=update) if item.id in names else item
        for item in setting.problem.items
    )
    return setting.problem.model_copy(update={"items": items})


# ------------------------------------------------- changes that follow from a look without the need


def _after_a_look(setting: Setting, need: Need) -> Iterator[Candidate]:
    """Solve without a need, and yield the least change with the same outcome."""
    relaxed = setting.attempt(without(setting.problem, setting.names, {need}))
    if relaxed is None:
        return
    where = {entry.item: entry for entry in relaxed.placements}
    hosts = {where[name].node for name in setting.names if name in where}
    if hosts:
        yield from _LOOKS[need.kind](setting, need, where, hosts)


def _labelled(setting: Setting, need: Need, _: Where, hosts: set[str]) -> Iterator[Candidate]:
    key = str(need.names[0])
    value = setting.members[0].node_selector[key]
    fresh = {n.id for n in setting.problem.nodes if n.id in hosts and n.labels.get(key) != value}
    text = f"label {key}={value} on {_shown(sorted(fresh))}"
    yield Candidate(text, _nodes(setting, fresh, lambda n: {"labels": {**n.labels, key: value}}))


def _untainted(setting: Setting, need: Need, _: Where, hosts: set[str]) -> Iterator[Candidate]:
    key = need.names[0]
    there = {n.id for n in setting.problem.nodes if n.id in hosts and _has_taint(n, key)}
    text = f"taint {key} taken off {_shown(sorted(there))}"
    yield Candidate(
        text,
        _nodes(setting, there, lambda n: {"taints": tuple(t for t in n.taints if t.key != key)}),
    )


def _has_taint(node: Node, key: object) -> bool:
    return any(taint.key == key for taint in node.taints)


def _uncordoned(setting: Setting, _: Need, __: Where, hosts: set[str]) -> Iterator[Candidate]:
    shut = {n.id for n in setting.problem.nodes if n.id in hosts and n.closed}
    yield Candidate(
        f"{_shown(sorted(shut))} uncordoned", _nodes(setting, shut, lambda _: {"closed": False})
    )


def _wider(setting: Setting, need: Need, _: Where, hosts: set[str]) -> Iterator[Candidate]:
    """Let the node affinity or a volume allow the hosts too."""
    item, more = setting.members[0], NodeTerm(nodes=tuple(sorted(hosts)))
    names = _shown(sorted(hosts))
    if need.kind == "affinity":
        update: dict[str, Any] = {"node_affinity": (*item.node_affinity, more)}
        text = f"the node affinity of {_who(setting)} allows {names} too"
    else:
        number = int(need.names[0])
        volumes = tuple(
            (*terms, more) if k == number else terms for k, terms in enumerate(item.volumes)
        )
        update = {"volumes": volumes}
        text = f"volume {number} of {_who(setting)} reachable from {names} too"
    yield Candidate(text, _with_items(setting, update))


def _nodes(
    setting: Setting, names: set[str], update: Callable[[Node], dict[str, Any]]
) -> PlacementProblem:
    nodes = tuple(
        node.model_copy(update=update(node)) if node.id in names else node
        for node in setting.problem.nodes
    )
    return setting.problem.model_copy(update={"nodes": nodes})


def stays(item: Item, entry: Placement | None) -> bool:
    """Tell whether an item is still where it runs, on the same parts."""
    return entry is not None and item.node == entry.node and same_parts(item.parts, entry.parts)


def _disturbed(problem: PlacementProblem, where: Where) -> list[Item]:
    return [i for i in problem.items if i.node is not None and not stays(i, where.get(i.id))]


def _more_moves(setting: Setting, _: Need, where: Where, __: set[str]) -> Iterator[Candidate]:
    problem = setting.problem
    count = len(_disturbed(problem, where))
    text = f"{count} moves or evictions allowed instead of {problem.max_moves}"
    yield Candidate(text, problem.model_copy(update={"max_moves": count}))


def _raised_budgets(setting: Setting, need: Need, where: Where, _: set[str]) -> Iterator[Candidate]:
    problem, texts, budgets = setting.problem, [], []
    disturbed = _disturbed(problem, where)
    for budget in problem.budgets:
        hit = sum(
            item.namespace == budget.namespace
            and selects(budget.selector, item.labels)
            and item.id not in budget.exempt
            for item in disturbed
        )
        if budget.id in need.names and hit > budget.allowed:
            texts.append(f"disruption budget {budget.id} allows {hit} instead of {budget.allowed}")
            budgets.append(budget.model_copy(update={"allowed": hit}))
        else:
            budgets.append(budget)
    if texts:
        yield Candidate("; ".join(texts), problem.model_copy(update={"budgets": tuple(budgets)}))


def _raised_quota(setting: Setting, need: Need, where: Where, _: set[str]) -> Iterator[Candidate]:
    problem, texts, quotas = setting.problem, [], []
    for quota in problem.quotas:
        limits = dict(quota.limits)
        if quota.id in need.names:
            counted = [item for item in problem.items if counts_for(quota, item)]
            for name, limit in quota.limits.items():
                taken = sum(i.demands.get(name, 0) for i in counted if i.id in where)
                now = sum(i.demands.get(name, 0) for i in counted if i.node is not None)
                if taken > max(limit, now):  # What is exceeded now may stay so.
                    limits[name] = taken
                    more, less = amount_words(problem, name, taken, limit, exact=True)
                    texts.append(f"quota {quota.id} allows {more} instead of {less} {name}")
        quotas.append(quota.model_copy(update={"limits": limits}))
    if texts:
        yield Candidate("; ".join(texts), problem.model_copy(update={"quotas": tuple(quotas)}))


def _unpinned(setting: Setting, _: Need, where: Where, __: set[str]) -> Iterator[Candidate]:
    loose = {i.id for i in setting.problem.items if i.pinned and not stays(i, where.get(i.id))}
    items = tuple(
        item.model_copy(update={"pinned": False}) if item.id in loose else item
        for item in setting.problem.items
    )
    text = f"{_shown(sorted(loose))} may be moved"
    yield Candidate(text, setting.problem.model_copy(update={"items": items}))


_LOOKS: dict[str, Callable[[Setting, Need, Where, set[str]], Iterator[Candidate]]] = {
    "label": _labelled,
    "taint": _untainted,
    "cordon": _uncordoned,
    "affinity": _wider,
    "volume": _wider,
    "moves": _more_moves,
    "budget": _raised_budgets,
    "quota": _raised_quota,
    "pinned": _unpinned,
}


def _priorities(setting: Setting) -> Iterator[Candidate]:
    """Raise the priority above that of others, a little at first."""
    mine = setting.members[0].priority
    above = sorted({p for p in setting.problem.priorities if p >= mine})[:_PRIORITIES]
    for priority in above:
        text = f"{_who(setting)} has the priority {priority + 1} instead of {mine}"
        yield Candidate(text, _with_items(setting, {"priority": priority + 1}))
