"""Solving inside a scenario, whose figures need an answer."""

from __future__ import annotations

from typing import Any

from scheduling.models.base import Problem, Status
from scheduling.scenarios.scenario import TooShortError
from scheduling.solvers import driver


def solve(problem: Problem, solver: Any = "auto", **limits: Any) -> Any:
    """Solve a problem as :func:`scheduling.solve` does, and demand an answer.

    Parameters
    ----------
    problem, solver, limits
        As of :func:`scheduling.solve`.

    Raises
    ------
    TooShortError
        When neither a solution nor a proof that there is none was found.
    """
    answer = driver.solve(problem, solver, **limits)
    if answer.status is Status.UNKNOWN:
        spent = limits.get("time_limit")
        within = "its work limit" if spent is None else f"{spent:.2g} seconds"
        raise TooShortError.single("time", f"no answer to a {problem.kind} within {within}", "more")
    return answer
