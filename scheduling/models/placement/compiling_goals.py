"""From typed goals to arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from scheduling.models.placement.eligibility import any_term
from scheduling.models.placement.goals import Aims, Ints, Wish
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodePreference, Selector

Meant = Callable[[Selector, tuple[str, ...]], tuple[int, ...]]


def goal_selectors(problem: PlacementProblem) -> Iterator[Selector]:
    """Yield the selectors by which the goals in use tell items apart."""
    if "preferences" in problem.goals:
        for item in problem.items:
            yield from (wish.term.selector for wish in item.item_preferences)


def goal_traits(problem: PlacementProblem, item: Item) -> tuple[Any, ...]:
    """Return what the goals in use look at in an item: equal items agree in it."""
    wishes = "preferences" in problem.goals
    return (item.preferences, item.item_preferences) if wishes else ()


def compile_aims(
    problem: PlacementProblem, samples: Sequence[Item], meant: Meant, domain: Callable[[str], int]
) -> Aims:
    """Translate what the goals in use need.

    Parameters
    ----------
    problem
        The problem.
    samples
        One item of each class.
    meant
        From a selector and namespaces to classes.
    domain
        From a label to the number of its domains.
    """
    if "preferences" not in problem.goals:
        return Aims()
    wishes = [
        Wish(
            owner=number,
            meant=meant(wish.term.selector, wish.term.namespaces or (item.namespace,)),
            domains=domain(wish.term.topology),
            weight=wish.weight,
            apart=wish.apart,
        )
        for number, item in enumerate(samples)
        for wish in item.item_preferences
    ]
    return Aims(wish_cost=_wish_cost(problem.nodes, samples), wishes=tuple(wishes))


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
