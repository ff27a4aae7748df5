"""Faults of allocation problems that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scheduling.errors import Fault
from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.faults import repeated


def find_faults(problem: AllocationProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    faults = [*repeated("claims", (claim.id for claim in problem.claims))]
    for index, claim in enumerate(problem.claims):
        faults += _costs(claim, f"claims[{index}].costs")
    return faults


def _costs(claim: Claim, place: str) -> Iterator[Fault]:
    if claim.costs is None:
        return
    if len(claim.costs) != len(claim.gains):
        yield Fault(place, f"{len(claim.costs)} costs", f"one for each of {len(claim.gains)} gains")
    for number, (below, cost) in enumerate(pairwise(claim.costs), start=1):
        if cost <= below:
            yield Fault(f"{place}[{number}]", str(cost), f"more than the level before, {below}")
            return
