"""Flows between the leaves of a fabric whose spines they may be split over."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Problem, Violation


class Flow(Frozen):
    """Data from one leaf to another."""

    source: Name
    target: Name
    size: Annotated[float, Field(gt=0, le=10**15)] = 1.0


class LeafSpine(Problem):
    """Put flows on spines so that the busiest link carries least, and then split few flows.

    Every leaf has one link up and one down to each of equal spines. All flows start together, so
    that the last one ends when the busiest link has carried its load.
    """

    kind: Literal["leaf-spine"] = "leaf-spine"
    spines: Annotated[int, Field(ge=1, le=10**4)]
    flows: Annotated[Many[Flow], Field(min_length=1)]


_EQUAL = 1e-12
"""Relative difference at which loads of leaves are equal."""


class Part(NamedTuple):
    """A part of a flow on one spine."""

    flow: int
    spine: int
    size: float


def least_congestion(problem: LeafSpine) -> float:
    """Return the least load of the busiest link: the busiest leaf's flows over all its links.

    Spraying every flow evenly reaches it.
    """
    sizes = [flow.size for flow in problem.flows]
    ends = leaves(problem)
    loads = (sum(sizes[flow] for flow in inside) for end in ends for inside in end.values())
    return max(loads) / problem.spines


def splits_bound(problem: LeafSpine) -> int:
    """Return by how many parts there are more than flows at least, at the least congestion.

    The busiest leaves fill their links to all m spines. With d equal flows of such a leaf, any set
    of links that some of them fill alone takes a multiple of ``d / gcd(d, m)`` flows, so that
    flows and links fall apart into at most ``gcd(d, m)`` groups; a group needs as many parts as
    flows and links, but one. The leaf splits ``m - gcd(d, m)`` times, at least.
    """
    limit = least_congestion(problem) * problem.spines
    most = 0
    for ends in leaves(problem):
        found = 0
        for inside in ends.values():
            sizes = [problem.flows[flow].size for flow in inside]
            if len(set(sizes)) == 1 and math.isclose(sum(sizes), limit, rel_tol=_EQUAL):
                found += problem.spines - math.gcd(len(sizes), problem.spines)
        most = max(most, found)
    return most


def leaves(problem: LeafSpine) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Return the flows of each leaf, as source and as target."""
    sources: dict[str, list[int]] = defaultdict(list)
    targets: dict[str, list[int]] = defaultdict(list)
    for number, flow in enumerate(problem.flows):
        sources[flow.source].append(number)
        targets[flow.target].append(number)
    return dict(sources), dict(targets)


def congestion(problem: LeafSpine, parts: list[Part]) -> float:
    """Return the load of the busiest link.

    Parameters
    ----------
    problem
        The flows.
    parts
        Where they are.
    """
    load: dict[tuple[str, str, int], float] = defaultdict(float)
    for part in parts:
        flow = problem.flows[part.flow]
        load["up", flow.source, part.spine] += part.size
        load["down", flow.target, part.spine] += part.size
    return max(load.values())


def splits(parts: list[Part]) -> int:
    """Return by how many parts there are more than flows."""
    return len(parts) - len({part.flow for part in parts})


def check_spines(problem: LeafSpine, parts: list[Part], tolerance: float = 1e-9) -> list[Violation]:
    """Return every way in which parts are not the flows; empty means valid.

    Parameters
    ----------
    problem
        The flows.
    parts
        Where they are.
    tolerance
        Share of a flow that may be missing or too much.
    """
    carried: dict[int, float] = defaultdict(float)
    found = []
    for part in parts:
        if not 0 <= part.flow < len(problem.flows):
            found.append(Violation("flow", f"unknown flow {part.flow}"))
        if not 0 <= part.spine < problem.spines:
            found.append(Violation("spine", f"unknown spine {part.spine}"))
        if part.size <= 0:
            found.append(Violation("part", f"{part.size} of flow {part.flow}"))
        carried[part.flow] += part.size
    if len({(part.flow, part.spine) for part in parts}) < len(parts):
        found.append(Violation("part", "two parts of a flow on one spine"))
    for number, flow in enumerate(problem.flows):
        off = abs(carried[number] - flow.size)
        if off > tolerance * flow.size:
            found.append(Violation("flow", f"{carried[number]} of flow {number}", off, "size"))
    return found
