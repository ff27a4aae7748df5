"""Figures and certificates in words, the same ones on the screen and on pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduling.models.base import Number, Solution


def percent(share: float | None) -> str:
    """Format a share or a gap: ``0.00 %``, or a dash when unknown."""
    return "-" if share is None else f"{100 * share:.2f} %"


def number(value: Number | None) -> str:
    """Format a value, or a dash when unknown."""
    return "-" if value is None else f"{value:,}".replace(",", " ")


def sentence(solution: Solution) -> str:
    """Say in words what a solution's certificate means."""
    found = f"by {solution.solver} in {solution.seconds:.2f} s"
    known = "no bound known" if solution.gap is None else _distance(solution.gap)
    meanings = {
        "optimal": "optimal: proven best possible",
        "feasible": f"feasible: {known}",
        "infeasible": "infeasible: proven that no solution exists",
        "unknown": "unknown: no solution found",
    }
    return f"{meanings[solution.status]}, {found}"


def _distance(gap: float) -> str:
    return f"at most {percent(gap)} from the best possible"
