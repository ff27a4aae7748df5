"""What binds a ring: its slowest links."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label

_SHOWN = 3


def explain_ring(problem: RingProblem, budget: Budget) -> BindingExplanation:
    """Name the slowest links, and what faster ones, or rings without their nodes, bring."""
    return explain_binding(problem, budget, _binds, lambda p, s: list(_changes(p, s)))


def _slowest(problem: RingProblem, solution: RingSolution) -> tuple[float, list[tuple[int, int]]]:
    order = solution.order
    links = list(zip(order, (*order[1:], *order[:1]), strict=True))
    least = min(problem.rates[one][other] for one, other in links)
    return least, [link for link in links if problem.rates[link[0]][link[1]] == least]


def _binds(problem: RingProblem, solution: RingSolution) -> list[str]:
    rate, links = _slowest(problem, solution)
    shown = ", ".join(f"{one} to {other}" for one, other in links[:_SHOWN])
    more = f" and {len(links) - _SHOWN} more" if len(links) > _SHOWN else ""
    word = "links" if len(links) > 1 else "link"
    return [f"The slowest {word} of the ring found, {shown}{more}, has a rate of {rate:.6g}."]


def _changes(problem: RingProblem, solution: RingSolution) -> Iterator[Change[RingProblem]]:
    _, links = _slowest(problem, solution)
    ends = list(dict.fromkeys(node for link in links[:_SHOWN] for node in link))
    for one, other in links[:_SHOWN]:
        rates = [list(row) for row in problem.rates]
        rates[one][other] *= 2
        faster = problem.model_copy(update={"rates": tuple(map(tuple, rates))})
        label = Label("link", (str(one), str(other)), f"the link {one} to {other} twice as fast")
        yield Change(label, faster)
    for node in ends:
        rates = [list(row) for row in problem.rates]
        for k, row in enumerate(rates):
            row[node] *= 2
            rates[node][k] *= 2 if k != node else 1
        faster = problem.model_copy(update={"rates": tuple(map(tuple, rates))})
        yield Change(Label("node", (str(node),), f"all links of node {node} twice as fast"), faster)
        if len(rates) > 2:
            left = tuple(
                tuple(rate for k, rate in enumerate(row) if k != node)
                for j, row in enumerate(problem.rates)
                if j != node
            )
            fewer = problem.model_copy(update={"rates": left})
            yield Change(Label("node", (str(node),), f"without node {node}"), fewer)
