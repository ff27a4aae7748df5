"""Charts of allocations: what each claim is granted, and what a larger budget would gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.allocation.arrays import compile_allocation
from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.report.axes import name_columns
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMES = 30


def sentence(problem: AllocationProblem, solution: AllocationSolution) -> str:
    """Say what is gained and what is proven."""
    name = problem.name or "allocation"
    if solution.objective is None:
        return f"{name}: no allocation ({solution.status})"
    spent = sum(grant.amount for grant in solution.grants)
    reached = f"{name}: gain {solution.objective:,} for {spent:,} of {problem.budget:,}"
    return proven(reached, solution, most=True)


def curve(problem: AllocationProblem) -> tuple[list[int], list[int]]:
    """Return budgets and the gains along the concave envelopes at them."""
    arrays = compile_allocation(problem)
    steps = arrays.steps
    base = int(arrays.gain[arrays.start[:-1]].sum())
    budgets = arrays.least + np.concatenate(([0], np.cumsum(steps.cost)))
    gains = base + np.concatenate(([0], np.cumsum(steps.gain)))
    return budgets.tolist(), gains.tolist()


def draw(problem: AllocationProblem, solution: AllocationSolution, figure: Figure) -> None:
    """Draw a solution, which may be without grants.

    On the left the amount that each claim is granted; on the right the bound of the gain by budget
    (the concave envelope) with the solution as a point in it.
    """
    figure.set_size_inches(10.0, 4.8)
    figure.suptitle(sentence(problem, solution), color=INK)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _grants(left, problem, solution)
    budgets, gains = curve(problem)
    right.plot(budgets, gains, color=series_colour(1), linewidth=1.5, label="bound by budget")
    right.axvline(problem.budget, color=LATE, linewidth=1.0, linestyle="--", label="budget")
    if solution.objective is not None:
        spent = sum(grant.amount for grant in solution.grants)
        right.plot([spent], [solution.objective], "o", color=INK, label="this allocation")
    right.set_xlabel("budget")
    right.set_ylabel("gain")
    right.legend(frameon=False, loc="lower right")


def _grants(ax: Axes, problem: AllocationProblem, solution: AllocationSolution) -> None:
    amount = {grant.claim: grant.amount for grant in solution.grants}
    names = [claim.id for claim in problem.claims]
    ax.bar(range(len(names)), [amount.get(name, 0) for name in names], color=series_colour(0))
    ax.set_ylabel("amount granted")
    name_columns(ax, names, "claim, in the order of the problem", _MOST_NAMES)
