"""Charts of rings: the rate of each link in its order, beside the nodes as they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.ring.check import links
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.report.palette import INK, LATE, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 40


def sentence(problem: RingProblem, solution: RingSolution) -> str:
    """Say how fast the slowest link is and what is proven."""
    name = problem.name or "ring"
    if solution.objective is None:
        return f"{name}: no order ({solution.status})"
    reached = f"{name}: slowest link {solution.objective:,.6g}"
    if solution.objective == solution.bound:
        return f"{reached}, proven fastest"
    return reached if solution.bound is None else f"{reached}, at most {solution.bound:,.6g}"


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
    if len(found) <= _MOST_NAMES:
        names = [f"{a} to {b}" for a, b in found]
        ax.set_xticks(range(len(found)), names, rotation=60, ha="right", fontsize=7)
    else:
        ax.set_xlabel("link, in the order of the ring")
    ax.set_ylabel("rate")
