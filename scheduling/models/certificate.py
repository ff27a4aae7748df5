"""The part of every checker that looks at certificates: tiers, bounds, gaps and the status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduling.models.base import Number, Solution, Status, TierValue, Violation, relative_gap


def certificate_violations(
    names: Sequence[str], values: Sequence[Number], solution: Solution
) -> Iterator[Violation]:
    """Yield every claim of a solution that its recomputed tier values do not bear out.

    Parameters
    ----------
    names, values
        Name and recomputed value of each tier.
    solution
        The answer.
    """
    if len(solution.tiers) != len(values):
        where = f"{len(solution.tiers)} tiers instead of {len(values)}"
        yield Violation("objective", where)
        return
    for name, value, stated in zip(names, values, solution.tiers, strict=True):
        yield from _claims(name, value, stated)
    if all(tier.closed for tier in solution.tiers) != (solution.status is Status.OPTIMAL):
        yield Violation("status", f"{solution.status} does not follow from the bounds")
    reported = next((tier for tier in solution.tiers if not tier.closed), solution.tiers[0])
    summary = (solution.objective, solution.bound, solution.gap)
    if summary != (reported.objective, reported.bound, reported.gap):
        yield Violation("objective", f"summary differs from tier {reported.name!r}")


def _claims(name: str, value: Number, stated: TierValue) -> Iterator[Violation]:
    if stated.objective != value:
        amount = None if stated.objective is None else abs(stated.objective - value)
        where = f"{name}: stated {stated.objective}, recomputed {value}"
        yield Violation("objective", where, amount, "units")
    if stated.bound is not None and stated.bound > value:
        excess = stated.bound - value
        yield Violation("bound", f"{name}: {stated.bound} above {value}", excess, "units")
    if stated.gap != relative_gap(stated.objective, stated.bound):
        yield Violation("gap", f"{name}: {stated.gap}")
