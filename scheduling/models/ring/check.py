"""Independent check of rings: every node once, and the slowest link of the order."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution


def check_ring(problem: RingProblem, solution: RingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "has an order" if solution.order else None
        why = "every order is a solution"
        return list(claims_without_answer(solution, does, "an order", why))
    violations = list(_nodes(problem, solution))
    if not violations:
        rate = min(problem.rates[a][b] for a, b in links(solution))
        violations += certificate_violations(("rate",), (rate,), solution, ("max",))
    return violations


def links(solution: RingSolution) -> list[tuple[int, int]]:
    """Return the links of a ring from node to node."""
    order = list(solution.order)
    return list(zip(order, [*order[1:], *order[:1]], strict=True))


def _nodes(problem: RingProblem, solution: RingSolution) -> Iterator[Violation]:
    nodes = map(str, range(len(problem.rates)))
    listed = map(str, solution.order)
    yield from listing_violations("node", listed, nodes, "stands", "is not in the ring")
