"""Charts of checkpoints: the expected waste over the interval between copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.checkpoint.problem import CheckpointPlan, CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.models.checkpoint.waste import expected_waste
from scheduling.report.axes import logarithmic
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS, _AROUND = 120, 20


def sentence(problem: CheckpointProblem, solution: CheckpointSolution) -> str:
    """Say when copies are taken, what is wasted and what is proven."""
    name = problem.name or "checkpoints"
    if solution.objective is None or solution.steps is None:
        return f"{name}: no plan ({solution.status})"
    every = f"every {solution.steps * problem.step_seconds / 60:.3g} minutes"
    if len(problem.levels) == 2:
        every += f", one of {solution.every} to {problem.levels[1].id}"
    reached = f"{name}: {solution.objective:.3%} wasted, a copy {every}"
    return proven(reached, solution, shown="{:.3%}".format)


def curve(
    problem: CheckpointProblem, solution: CheckpointSolution
) -> tuple[list[float], list[float]]:
    """Return times between copies around the answer's and the waste at each."""
    if solution.steps is None:
        return [], []
    low = max(problem.least_steps, solution.steps // _AROUND)
    high = solution.steps * _AROUND
    steps = np.unique(np.geomspace(low, high, _POINTS).astype(np.int64)).tolist()
    wastes = [expected_waste(problem, CheckpointPlan(n, solution.every or 1)) for n in steps]
    return [n * problem.step_seconds for n in steps], wastes


def draw(problem: CheckpointProblem, solution: CheckpointSolution, figure: Figure) -> None:
    """Draw a solution, which may be without a plan.

    The expected waste over the time between copies, with as many of the first level for each of the
    second one as the answer has; the answer as a point, and a line at the bound.
    """
    figure.set_size_inches(8.0, 4.5)
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    seconds, wastes = curve(problem, solution)
    ax.plot(seconds, [100 * waste for waste in wastes], color=series_colour(0), label="expected")
    if solution.steps is not None and solution.objective is not None:
        at = solution.steps * problem.step_seconds
        ax.plot([at], [100 * solution.objective], "o", color=INK, label="this plan")
    if solution.bound is not None:
        bound = 100 * float(solution.bound)
        ax.axhline(bound, color=LATE, linewidth=1.0, linestyle="--", label="bound")
    logarithmic(ax)
    ax.set_xlabel("seconds of steps between copies")
    ax.set_ylabel("% of the time wasted")
    ax.legend(frameon=False)
