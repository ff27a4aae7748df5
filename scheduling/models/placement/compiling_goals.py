"""From typed goals to arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.models.placement.aims import (
    UNLIMITED,
    Aims,
    Clash,
    Gauge,
    Ints,
    SpreadAims,
    Wish,
)
from scheduling.models.placement.compiling_time import Moments
from scheduling.models.placement.eligibility import any_term
from scheduling.models.placement.part_arrays import PartArrays
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodePreference, Selector

Meant = Callable[[Selector, tuple[str, ...]], tuple[int, ...]]


def goal_selectors(problem: PlacementProblem) -> Iterator[Selector]:
    """Yield the selectors by which the goals in use tell items apart."""
    if "preferences" in problem.goals:
        for item in problem.items:
            yield from (wish.term.selector for wish in item.item_preferences)
    for rule in problem.interference:
        yield rule.victim
        yield rule.neighbour


def goal_traits(problem: PlacementProblem, item: Item) -> tuple[Any, ...]:
    """Return what the goals in use look at in an item: equal items agree in it."""
    traits: list[Any] = []
    if "preferences" in problem.goals:
        traits += (item.preferences, item.item_preferences)
    if "spread" in problem.goals:
        traits += (item.namespace, item.owner)
    if problem.interference:
        traits.append(item.max_degradation)
    return tuple(traits)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the compiler of goals builds on.

    Attributes
    ----------
    samples
        One item of each class.
    parts
        Parts of nodes.
    moments
        When the items of each class are there.
    meant
        From a selector and namespaces to classes.
    domain
        From a label to the number of its domains.
    """

    samples: Sequence[Item]
    parts: PartArrays
    moments: Moments
    meant: Meant
    domain: Callable[[str], int]


def compile_aims(problem: PlacementProblem, setting: Setting) -> Aims:
    """Translate what the goals in use need."""
    goals, samples = problem.goals, setting.samples
    wishing = "preferences" in goals
    measure = problem.balance if "balance" in goals else None
    gauge = None if measure is None else _gauge(problem, setting, measure.resource, measure.kind)
    clashes = tuple(_clashes(problem, setting))
    limits = [i.max_degradation if clashes else None for i in samples]
    return Aims(
        wish_cost=_wish_cost(problem.nodes, samples) if wishing else None,
        wishes=tuple(_wishes(setting)) if wishing else (),
        balance=gauge,
        spread=_spread(problem, samples) if "spread" in goals else None,
        clashes=clashes,
        tolerated=np.array([UNLIMITED if v is None else v for v in limits], np.int64),
    )


def _wishes(setting: Setting) -> Iterator[Wish]:
    for number, item in enumerate(setting.samples):
        for wish in item.item_preferences:
            yield Wish(
                owner=number,
                meant=setting.meant(wish.term.selector, wish.term.namespaces or (item.namespace,)),
                domains=setting.domain(wish.term.topology),
                weight=wish.weight,
                apart=wish.apart,
            )


def _wish_cost(nodes: Sequence[Node], samples: Sequence[Item]) -> Ints | None:
    """Weight of the wishes for nodes that each class loses on each node."""
    if not any(item.preferences for item in samples):
        return None
    table = np.zeros((len(samples), len(nodes)), np.int64)
    known: dict[NodePreference, Ints] = {}
    for number, item in enumerate(samples):
        for wish in item.preferences:
            if wish not in known:
                known[wish] = np.array(
                    [0 if any_term((wish.term,), node) else wish.weight for node in nodes],
                    np.int64,
                )
            table[number] += known[wish]
    return table


def _gauge(problem: PlacementProblem, setting: Setting, resource: str, kind: str | None) -> Gauge:
    """Look at one resource of nodes, or of parts of a kind."""
    if kind is None:
        capacity = np.array([node.capacity.get(resource, 0) for node in problem.nodes], np.int64)
        rows = np.flatnonzero(capacity > 0)
        asked = np.array([item.demands.get(resource, 0) for item in setting.samples], np.int64)
        need = np.where(setting.moments.present.T, asked, 0)
        return Gauge(rows, capacity[rows], need, None)
    parts = setting.parts
    columns = parts.columns(resource)
    capacity = parts.stated[:, columns[0]] * (np.array(parts.kind, object) == kind)
    rows = np.flatnonzero(capacity > 0)
    need = np.zeros((len(columns), len(setting.samples)), np.int64)
    for k, shares in enumerate(parts.shares):
        for share in shares:
            if share.kind == kind:
                need[:, k] = share.count * share.need[:, columns].min(axis=0)
    return Gauge(rows, capacity[rows], need, columns)


def _spread(problem: PlacementProblem, samples: Sequence[Item]) -> SpreadAims:
    owners: dict[tuple[str, str], list[int]] = {}
    for number, item in enumerate(samples):
        if item.owner is not None:
            owners.setdefault((item.namespace, item.owner), []).append(number)
    domains: dict[tuple[bool, str], int] = {}
    of = []
    for node in problem.nodes:
        key = problem.spread_topology
        shared = key is not None and key in node.labels
        name = node.labels[key] if key is not None and shared else node.id
        of.append(domains.setdefault((shared, name), len(domains)))
    classes = tuple(tuple(found) for found in owners.values())
    return SpreadAims(classes, np.array(of, np.int64), len(domains))


def _clashes(problem: PlacementProblem, setting: Setting) -> Iterator[Clash]:
    everywhere = tuple(sorted({item.namespace for item in setting.samples}))
    for rule in problem.interference:
        victims = setting.meant(rule.victim, everywhere)
        neighbours = setting.meant(rule.neighbour, everywhere)
        if victims and neighbours:
            yield Clash(victims, neighbours, rule.degradation)
