"""Flows between the leaves of a fabric whose spines they may be split over."""

from __future__ import annotations

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


class Part(NamedTuple):
    """A part of a flow on one spine."""

    flow: int
    spine: int
    size: float


def least_congestion(problem: LeafSpine) -> float:
    """Return the least load of the busiest link: the busiest leaf's flows over all its links.

    Spraying every flow evenly reaches it.
    """
    up: dict[str, float] = defaultdict(float)
    down: dict[str, float] = defaultdict(float)
    for flow in problem.flows:
        up[flow.source] += flow.size
        down[flow.target] += flow.size
    return max(*up.values(), *down.values()) / problem.spines


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
