"""Charts of jobs on spot capacity: when there is capacity, and where the job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import SpotSolution
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: SpotProblem, solution: SpotSolution) -> str:
    """Say what the job costs, how much of it is on demand, and what is proven."""
    name = problem.name or "job"
    if solution.objective is None:
        return f"{name}: no instances ({solution.status})"
    demand = sum(run.end - run.start for run in solution.runs if run.region is None)
    reached = f"{name}: cost {solution.objective:,}, {demand:,} ticks on demand"
    return proven(reached, solution)


def draw(problem: SpotProblem, solution: SpotSolution, figure: Figure) -> None:
    """Draw a solution, which may be without instances.

    A row for each region, light where it has capacity, and one on demand; bars where the job runs.
    """
    names = [*(region.id for region in problem.regions), "on demand"]
    figure.set_size_inches(10.0, min(12.0, 1.8 + 0.35 * len(names)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    for row, region in enumerate(problem.regions):
        spans = [(span.start, span.end - span.start) for span in region.available]
        ax.broken_barh(spans, (row - 0.4, 0.8), color=series_colour(0), alpha=0.35)
    for run in solution.runs:
        row = names.index(run.region) if run.region is not None else len(names) - 1
        colour = series_colour(4) if run.region is not None else LATE
        ax.broken_barh([(run.start, run.end - run.start)], (row - 0.25, 0.5), color=colour)
    ax.axvline(problem.deadline, color=INK, linewidth=1.0, linestyle="--")
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("ticks until the deadline; light: spot capacity")
