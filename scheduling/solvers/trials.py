"""Problems that an explanation solves on the way, each within a part of its budget."""

from __future__ import annotations

from typing import Any

from scheduling.models.base import Problem, Solution, Status
from scheduling.solvers.board import Budget
from scheduling.solvers.driver import solve

_LEAST_SECONDS = 0.05
"""Given to each, also when less is left."""


def solve_within(
    problem: Problem, budget: Budget, hint: Solution | None = None, solver: str = "auto"
) -> Any:
    """Solve a problem within what is left of a budget.

    Parameters
    ----------
    problem
        Any problem.
    budget
        For it.
    hint
        Where the search begins if it is valid.
    solver
        Name of a solver of the problem's kind.
    """
    left = budget.remaining()
    return solve(
        problem,
        solver,
        time_limit=None if left is None else max(_LEAST_SECONDS, left),
        work_limit=budget.work,
        workers=budget.workers,
        seed=budget.seed,
        hint=hint,
    )


def told(found: Solution) -> tuple[Status, Solution | None]:
    """Return what an explanation says of a problem, feasible also when it is optimal.

    A solution stands beside the status where there is one.
    """
    solved = found.status in (Status.OPTIMAL, Status.FEASIBLE)
    return (Status.FEASIBLE, found) if solved else (found.status, None)
