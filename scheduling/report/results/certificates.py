"""What a solution must state so that its certificate can be shown, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, get_args

from scheduling.errors import Fault
from scheduling.models.base import Solution, Status, TierValue, relative_gap
from scheduling.models.front import ParetoFront

_CERTIFICATE = ("objective", "bound", "gap", "tiers")
_PRECISION = 1e-9
"""Relative difference of gaps that other programs may have rounded."""


def missing_fields(solution: Solution, stated: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the fields without which an answer says nothing.

    Parameters
    ----------
    solution
        The answer.
    stated
        The fields that stand in its file. Those that have a default may be missing where a
        solution is checked; a report would show the default as if the file had said it.
    """
    if not _solved(solution):
        return
    common = set(Solution.model_fields)
    own = [
        name
        for name, field in type(solution).model_fields.items()
        if name not in common and NoneType not in get_args(field.annotation)
    ]
    for name in (*_CERTIFICATE, *own):
        if name not in stated:
            yield Fault(name, "nothing", f"a value, as the status is {solution.status.value}")


def false_claims(solution: Solution) -> Iterator[Fault]:
    """Yield what a certificate says against itself, whatever the problem is."""
    if isinstance(solution, ParetoFront):
        return
    if not _solved(solution):
        if solution.objective is not None:
            expected = f"none, as the status is {solution.status.value}"
            yield Fault("objective", str(solution.objective), expected)
        return
    if not solution.tiers:
        expected = f"at least one, as the status is {solution.status.value}"
        yield Fault("tiers", "none", expected)
        return
    yield from tier_faults(solution.tiers)
    closed = all(tier.closed for tier in solution.tiers)
    if closed != (solution.status is Status.OPTIMAL):
        expected = "optimal, as all tiers are closed" if closed else "no proof, as a tier is open"
        yield Fault("status", solution.status.value, expected)
    first = next((tier for tier in solution.tiers if not tier.closed), solution.tiers[0])
    for name in ("objective", "bound", "gap"):
        own, of_tier = getattr(solution, name), getattr(first, name)
        if own != of_tier:
            yield Fault(name, str(own), f"{of_tier}, as tier {first.name!r} has it")


def tier_faults(tiers: Sequence[TierValue]) -> Iterator[Fault]:
    """Yield values and bounds that contradict each other, and gaps that are not between them."""
    for number, tier in enumerate(tiers):
        yield from _tier(f"tiers[{number}].", tier)


def _solved(solution: Solution) -> bool:
    return solution.status in (Status.OPTIMAL, Status.FEASIBLE)


def _tier(place: str, tier: TierValue) -> Iterator[Fault]:
    if tier.objective is None:
        yield Fault(f"{place}objective", "none", "a value of the solution")
        return
    if tier.bound is not None:
        beyond = tier.bound - tier.objective
        if (beyond if tier.sense == "min" else -beyond) > 0:
            side = "at most" if tier.sense == "min" else "at least"
            expected = f"{side} the objective {tier.objective}"
            yield Fault(f"{place}bound", str(tier.bound), expected)
    gap = relative_gap(tier.objective, tier.bound)
    if (gap is None) != (tier.gap is None) or abs((gap or 0) - (tier.gap or 0)) > _PRECISION:
        yield Fault(f"{place}gap", str(tier.gap), f"{gap}, by objective and bound")
