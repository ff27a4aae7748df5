"""What binds a group of clients: the first and the last to arrive."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label

_MOST_STEPS = 10**6


def explain_federated(problem: FederatedProblem, budget: Budget) -> BindingExplanation:
    """Name who arrives first and last, and what a group without them or more steps bring."""
    return explain_binding(problem, budget, _binds, lambda p, s: list(_changes(p, s)))


def _arrivals(problem: FederatedProblem, solution: FederatedSolution) -> list[tuple[float, str]]:
    seconds = {client.id: client.seconds_per_step for client in problem.clients}
    return sorted((entry.steps * seconds[entry.client], entry.client) for entry in solution.clients)


def _binds(problem: FederatedProblem, solution: FederatedSolution) -> list[str]:
    steps = {entry.client: entry.steps for entry in solution.clients}
    found = _arrivals(problem, solution)
    return [
        f"{word} to arrive is {name!r}, after {steps[name]} steps and {at:.6g} s."
        for word, (at, name) in (("First", found[0]), ("Last", found[-1]))
    ]


def _changes(
    problem: FederatedProblem, solution: FederatedSolution
) -> Iterator[Change[FederatedProblem]]:
    if problem.max_steps < _MOST_STEPS:
        most = min(_MOST_STEPS, 2 * problem.max_steps)
        more = problem.model_copy(update={"max_steps": most})
        yield Change(Label("max_steps", (), f"up to {most} steps"), more)
    if problem.min_steps > 1:
        least = max(1, problem.min_steps // 2)
        fewer = problem.model_copy(update={"min_steps": least})
        yield Change(Label("min_steps", (), f"{least} steps or more"), fewer)
    found = _arrivals(problem, solution)
    speeds = sorted((client.seconds_per_step, client.id) for client in problem.clients)
    names = dict.fromkeys((found[0][1], found[-1][1], speeds[0][1], speeds[-1][1]))
    if len(problem.clients) > 1:
        for name in names:
            left = tuple(client for client in problem.clients if client.id != name)
            fewer = problem.model_copy(update={"clients": left})
            yield Change(Label("client", (name,), f"without client {name!r}"), fewer)
