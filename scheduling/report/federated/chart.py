"""Charts of federated training: how long each client computes before its model arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.report.axes import name_rows
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: FederatedProblem, solution: FederatedSolution) -> str:
    """Say how far apart models arrive and what is proven."""
    name = problem.name or "clients"
    if solution.objective is None:
        return f"{name}: no steps ({solution.status})"
    reached = f"{name}: {solution.objective:.4g} s between the first and the last model"
    return proven(reached, solution, shown="{:.4g} s".format)


def arrivals(problem: FederatedProblem, solution: FederatedSolution) -> dict[str, float]:
    """Return the seconds of each client until its model arrives."""
    seconds = {client.id: client.seconds_per_step for client in problem.clients}
    return {entry.client: entry.steps * seconds[entry.client] for entry in solution.clients}


def draw(problem: FederatedProblem, solution: FederatedSolution, figure: Figure) -> None:
    """Draw a solution, which may be without steps.

    A bar for each client until its model arrives, and lines at the first and the last arrival.
    """
    found = arrivals(problem, solution)
    figure.set_size_inches(9.0, min(12.0, 2.0 + 0.22 * len(found)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    ax.barh(range(len(found)), list(found.values()), color=series_colour(0))
    for moment in {min(found.values()), max(found.values())} if found else ():
        ax.axvline(moment, color=LATE, linewidth=1.0, linestyle="--")
    name_rows(ax, list(found), "client, in the order of the problem")
    ax.set_xlabel("seconds until the model arrives")
