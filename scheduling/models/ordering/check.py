"""Independent check of orders of transactions: they are run operation by operation.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution


def check_ordering(problem: OrderingProblem, solution: OrderingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does, why = "has an order" if solution.order else None, "every order is a solution"
        return list(claims_without_answer(solution, does, "an order", why))
    count = len(problem.transactions)
    if sorted(solution.order) != list(range(count)):
        where = f"{list(solution.order)[:10]} instead of each of {count} transactions once"
        return [Violation("order", where)]
    value = run(problem, solution.order)
    return list(certificate_violations(("makespan",), (value,), solution))


def run(problem: OrderingProblem, order: Sequence[int]) -> int:
    """Run the transactions in an order; return the time of the last operation."""
    read: dict[str, int] = {}
    written: dict[str, int] = {}
    end = 0
    for number in order:
        words = problem.transactions[number].split()
        start = 1
        for place, word in enumerate(words):
            kind, _, key = word.partition("-")
            if key:
                before = written.get(key, 0)
                if kind == "w":
                    before = max(before, read.get(key, 0))
                start = max(start, before + 1 - place)
        for place, word in enumerate(words):
            kind, _, key = word.partition("-")
            if key:
                times = written if kind == "w" else read
                times[key] = max(times.get(key, 0), start + place)
        end = max(end, start + len(words) - 1)
    return end
