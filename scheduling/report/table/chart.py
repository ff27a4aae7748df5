"""Charts of orders of tables: which leading cells each row shares with the one before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution
from scheduling.report.axes import whole_numbers
from scheduling.report.palette import INK, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: TableProblem, solution: TableSolution) -> str:
    """Say what is saved and what is proven."""
    name = problem.name or "table"
    if solution.objective is None:
        return f"{name}: no order ({solution.status})"
    return proven(f"{name}: {solution.objective:,} saved", solution, most=True)


def lengths(problem: TableProblem, solution: TableSolution) -> NDArray[np.int64]:
    """Return for each line the characters of leading cells shared, and of all others."""
    place = {name: number for number, name in enumerate(problem.fields)}
    prompts = [
        [(name, problem.rows[line.row][place[name]]) for name in line.fields]
        for line in solution.lines
    ]
    found = [(0, sum(len(text) for _, text in prompt)) for prompt in prompts[:1]]
    for before, prompt in pairwise(prompts):
        shared = 0
        for cell, other in zip(prompt, before, strict=True):
            if cell != other:
                break
            shared += len(cell[1])
        found.append((shared, sum(len(text) for _, text in prompt) - shared))
    return np.array(found, np.int64).reshape(-1, 2)


def draw(problem: TableProblem, solution: TableSolution, figure: Figure) -> None:
    """Draw a solution, which may be without an order.

    A bar for each line, in order: the characters that it shares with the one before, then the rest.
    """
    figure.set_size_inches(10.0, 4.5)
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    found = lengths(problem, solution)
    lines = np.arange(1, len(found) + 1)
    ax.bar(
        lines, found[:, 0], width=1.0, color=series_colour(4), label="shared with the line before"
    )
    rest = series_colour(0)
    ax.bar(lines, found[:, 1], 1.0, found[:, 0], color=rest, alpha=0.35, label="new")
    if len(found):
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    whole_numbers(ax.xaxis, ax.yaxis)
    ax.set_xlabel("line")
    ax.set_ylabel("characters")
