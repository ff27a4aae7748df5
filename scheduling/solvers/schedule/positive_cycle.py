"""Cycles of positive length in a graph of time relations: why no start times satisfy them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arc:
    """The relation ``value[target] >= value[source] + weight``, which rests on ``rules``."""

    source: int
    target: int
    weight: int
    rules: tuple[int, ...]


def find_positive_cycle(n: int, arcs: Sequence[Arc]) -> list[Arc] | None:
    """Find a cycle whose weights add up to more than 0.

    Bellman-Ford for longest paths; a cycle among the arcs that last raised each node is positive
    (Cherkassky and Goldberg, "Negative-cycle detection algorithms", 1999). The search for one
    follows every round that has raised something, so a short cycle is found early.

    Returns
    -------
    list of Arc, or None
        The arcs of the cycle in their order; ``None`` when there is none.
    """
    leaving: list[list[Arc]] = [[] for _ in range(n)]
    for arc in arcs:
        leaving[arc.source].append(arc)
    value = [0] * n
    parent: list[Arc | None] = [None] * n
    active = list(range(n))
    while active:
        raised: dict[int, None] = {}
        for node in active:
            base = value[node]
            for arc in leaving[node]:
                if base + arc.weight > value[arc.target]:
                    value[arc.target] = base + arc.weight
                    parent[arc.target] = arc
                    raised[arc.target] = None
        active = list(raised)
        cycle = _cycle(parent, active)
        if cycle:
            return cycle
    return None


def _cycle(parent: list[Arc | None], active: list[int]) -> list[Arc]:
    """Follow the parents of the raised nodes until they run out or come back."""
    seen: dict[int, int] = {}
    for origin in active:
        path: list[Arc] = []
        node = origin
        arc = parent[node]
        while node not in seen and arc is not None:
            seen[node] = origin
            path.append(arc)
            node = arc.source
            arc = parent[node]
        if seen.get(node) == origin:
            first = next(index for index, step in enumerate(path) if step.target == node)
            return path[first:][::-1]
    return []
