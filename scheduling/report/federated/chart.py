"""Charts of federated training: how long each client computes before its model arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.report.palette import INK, LATE, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 40


def sentence(problem: FederatedProblem, solution: FederatedSolution) -> str:
    """Say how far apart models arrive and what is proven."""
    name = problem.name or "clients"
    if solution.objective is None:
        return f"{name}: no steps ({solution.status})"
    reached = f"{name}: {solution.objective:.4g} s between the first and the last model"
    if solution.objective == solution.bound:
        return f"{reached}, proven least"
    return reached if solution.bound is None else f"{reached}, at least {solution.bound:.4g} s"


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
    if len(found) <= _MOST_NAMES:
        ax.set_yticks(range(len(found)), list(found), fontsize=7)
    else:
        ax.set_ylabel("client, in the order of the problem")
    ax.invert_yaxis()
    ax.set_xlabel("seconds until the model arrives")
