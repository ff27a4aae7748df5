"""Independent check of orders of tables: what each line shares with the one before, by its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution


def check_table(problem: TableProblem, solution: TableSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "orders rows" if solution.lines else None
        why = "every order is a solution"
        return list(claims_without_answer(solution, does, "an order", why))
    violations = list(_lines(problem, solution))
    if not violations:
        shared = (_shared(problem, solution),)
        violations += certificate_violations(("saved",), shared, solution, ("max",))
    return violations


def _lines(problem: TableProblem, solution: TableSolution) -> Iterator[Violation]:
    times = Counter(line.row for line in solution.lines)
    for row, count in times.items():
        if row >= len(problem.rows):
            yield Violation("row", f"unknown row {row}")
        elif count > 1:
            yield Violation("row", f"row {row} stands {count} times", count - 1, "lines")
    for row in range(len(problem.rows)):
        if row not in times:
            yield Violation("row", f"row {row} is missing")
    known = Counter(problem.fields)
    for line in solution.lines:
        if Counter(line.fields) != known:
            yield Violation("fields", f"row {line.row} does not have each field once")


def _shared(problem: TableProblem, solution: TableSolution) -> int:
    place = {name: number for number, name in enumerate(problem.fields)}
    total = 0
    prompts = [
        [(name, problem.rows[line.row][place[name]]) for name in line.fields]
        for line in solution.lines
    ]
    for before, prompt in pairwise(prompts):
        for cell, other in zip(prompt, before, strict=True):
            if cell != other:
                break
            total += len(cell[1]) ** 2
    return total
