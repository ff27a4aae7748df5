"""The part of the checker that looks at gangs."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.base import Violation
from scheduling.models.placement.problem import Gang, Item, PlacementProblem


def gang_violations(
    problem: PlacementProblem, placed: dict[str, str], arrived: frozenset[str]
) -> Iterator[Violation]:
    """Yield gangs of which too few are placed, or that do not stand in one domain."""
    gangs: dict[str, list[Item]] = {}
    for item in problem.items:
        if item.gang is not None:
            gangs.setdefault(item.gang, []).append(item)
    stated = {gang.id: gang for gang in problem.gangs}
    labels = {node.id: node.labels for node in problem.nodes}
    for name, members in gangs.items():
        gang = stated.get(name, Gang(id=name))
        yield from _numbers(gang, members, placed)
        if gang.topology is not None and any(item.id in arrived for item in members):
            hosts = {placed[item.id] for item in members if item.id in placed}
            domains = {labels[host].get(gang.topology) for host in hosts}
            if len(domains) > 1 or None in domains:
                yield Violation("gang", f"gang {name!r} not in one {gang.topology}")


def _numbers(gang: Gang, members: list[Item], placed: dict[str, str]) -> Iterator[Violation]:
    least = len(members) if gang.least is None else gang.least
    count = sum(item.id in placed for item in members)
    new = any(item.node is None and item.id in placed for item in members)
    left = {item.id in placed for item in members if item.node is not None}
    if count < least and (new or len(left) > 1):
        yield Violation("gang", f"gang {gang.id!r}", least - count, "items")
