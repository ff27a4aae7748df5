"""Charts of rings: the rate of each link in its order, beside the nodes as they are listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.models.ring.check import links
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.pictures import write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 40


def write_ring(problem: RingProblem, solution: RingSolution, path: str | Path) -> None:
    """Write a chart, ``.png`` or ``.svg`` by the suffix.

    A bar for the rate of each link of the ring, and a line at the bound.

    Parameters
    ----------
    problem, solution
        What was asked and what is drawn; the solution may be without an order.
    path
        Where to write; an existing file is replaced.

    Raises
    ------
    InputError
        For another suffix, or a place that cannot be written.
    """
    write_picture(lambda figure: _draw(problem, solution, figure), path)


def sentence(problem: RingProblem, solution: RingSolution) -> str:
    """Say how fast the slowest link is and what is proven."""
    name = problem.name or "ring"
    if solution.objective is None:
        return f"{name}: no order ({solution.status})"
    reached = f"{name}: slowest link {solution.objective:,.6g}"
    if solution.objective == solution.bound:
        return f"{reached}, proven fastest"
    return reached if solution.bound is None else f"{reached}, at most {solution.bound:,.6g}"


def _draw(problem: RingProblem, solution: RingSolution, figure: Figure) -> None:
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
