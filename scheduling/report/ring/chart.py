"""Charts of rings: the rate of each link in its order, beside the nodes as they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.ring.check import links
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.report.axes import name_columns
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: RingProblem, solution: RingSolution) -> str:
    """Say how fast the slowest link is and what is proven."""
    name = problem.name or "ring"
    if solution.objective is None:
        return f"{name}: no order ({solution.status})"
    reached = f"{name}: slowest link {solution.objective:,.6g}"
    return proven(reached, solution, most=True, best="fastest", shown="{:,.6g}".format)


def draw(problem: RingProblem, solution: RingSolution, figure: Figure) -> None:
    """Draw a solution, which may be without an order.

    A bar for the rate of each link of the ring, and a line at the bound.
    """
    figure.set_size_inches(10.0, 4.0)
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    found = links(solution)
    rates = [problem.rates[a][b] for a, b in found]
    ax.bar(range(len(found)), rates, color=series_colour(0))
    if solution.bound is not None:
        ax.axhline(float(solution.bound), color=LATE, linewidth=1.0, linestyle="--", label="bound")
        ax.legend(frameon=False, loc="upper right")
    name_columns(ax, [f"{a} to {b}" for a, b in found], "link, in the order of the ring")
    ax.set_ylabel("rate")
