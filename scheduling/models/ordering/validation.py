"""Faults of ordering problems that fields alone do not show."""

from __future__ import annotations

from scheduling.errors import Fault
from scheduling.models.ordering.problem import OrderingProblem


def find_faults(problem: OrderingProblem) -> list[Fault]:
    """Return every transaction that has another word than an operation, or none."""
    faults = []
    for number, line in enumerate(problem.transactions):
        words = line.split()
        wrong = [word for word in words if word != "*" and not _touches(word)]
        if wrong or not words:
            found = repr(wrong[0]) if wrong else "no operation"
            faults.append(Fault(f"transactions[{number}]", found, "r-KEY, w-KEY or *"))
    return faults


def _touches(word: str) -> bool:
    return word[:2] in ("r-", "w-") and len(word) > 2
