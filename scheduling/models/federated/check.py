"""Independent check of federated training: when each model arrives, in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.exact import exact
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution


def check_federated(problem: FederatedProblem, solution: FederatedSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "gives steps" if solution.clients else None
        why = "any numbers of steps are a solution"
        return list(claims_without_answer(solution, does, "steps", why))
    violations = list(_steps(problem, solution))
    if not violations:
        seconds = {client.id: exact(client.seconds_per_step) for client in problem.clients}
        arrivals = [entry.steps * seconds[entry.client] for entry in solution.clients]
        value = float(max(arrivals) - min(arrivals))
        violations += certificate_violations(("spread",), (value,), solution)
    return violations


def _steps(problem: FederatedProblem, solution: FederatedSolution) -> Iterator[Violation]:
    known = [client.id for client in problem.clients]
    listed = (entry.client for entry in solution.clients)
    yield from listing_violations("client", listed, known, "is given steps", "has no steps")
    for entry in solution.clients:
        if entry.steps < problem.min_steps:
            few = problem.min_steps - entry.steps
            yield Violation("min_steps", f"client {entry.client!r}", few, "steps")
        if entry.steps > problem.max_steps:
            more = entry.steps - problem.max_steps
            yield Violation("max_steps", f"client {entry.client!r}", more, "steps")
