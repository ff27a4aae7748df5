"""Independent check of allocations.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)


def check_allocation(problem: AllocationProblem, solution: AllocationSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        return list(_claims_without_grants(problem, solution))
    violations = list(_listed(problem, solution))
    if violations:
        return violations
    spent = sum(grant.amount for grant in solution.grants)
    if spent > problem.budget:
        where = f"{spent} of {problem.budget}"
        return [Violation("budget", where, spent - problem.budget, "units")]
    value = gain_of(problem, solution)
    return list(certificate_violations(("gain",), (value,), solution, ("max",)))


def gain_of(problem: AllocationProblem, solution: AllocationSolution) -> int:
    """Sum the gains of what is granted."""
    granted = {grant.claim: grant.amount for grant in solution.grants}
    total = 0
    for claim in problem.claims:
        for number, gain in enumerate(claim.gains):
            cost = number if claim.costs is None else claim.costs[number]
            if cost == granted[claim.id]:
                total += gain
    return total


def _claims_without_grants(
    problem: AllocationProblem, solution: AllocationSolution
) -> Iterator[Violation]:
    does = "grants something" if solution.grants else None
    yield from claims_without_answer(solution, does, "grants")
    least = sum(claim.costs[0] for claim in problem.claims if claim.costs is not None)
    if solution.status is Status.INFEASIBLE and least <= problem.budget:
        yield Violation("status", f"infeasible although the lowest levels cost {least} only")


def _listed(problem: AllocationProblem, solution: AllocationSolution) -> Iterator[Violation]:
    claims = {claim.id: claim for claim in problem.claims}
    listed = (grant.claim for grant in solution.grants)
    missing = "is granted nothing that is a level of it"
    yield from listing_violations("claim", listed, claims, "granted", missing)
    for grant in solution.grants:
        claim = claims.get(grant.claim)
        if claim is None:
            continue
        known = range(len(claim.gains)) if claim.costs is None else claim.costs
        if grant.amount not in known:
            yield Violation("level", f"{grant.amount} is no level of {grant.claim!r}")
