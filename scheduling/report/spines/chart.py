"""Charts of flows over spines: what each link carries, beside the least congestion."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.report.axes import legend_beside, whole_numbers
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import closed_mark, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: LeafSpine, solution: LeafSpineSolution) -> str:
    """Say what the busiest link carries, how often flows are split, and what is proven."""
    name = problem.name or "flows"
    if not solution.tiers:
        return f"{name}: no parts ({solution.status})"
    busiest, splits = solution.tiers
    said = [f"{name}: busiest link {busiest.objective:.4g}{closed_mark(busiest)}"]
    said.append(f"{number(splits.objective)} splits{closed_mark(splits)}")
    return ", ".join(said)


def loads(problem: LeafSpine, solution: LeafSpineSolution) -> tuple[list[float], list[float]]:
    """Return the loads of links up and of links down that carry anything, the largest first."""
    up: dict[tuple[str, int], float] = defaultdict(float)
    down: dict[tuple[str, int], float] = defaultdict(float)
    for part in solution.parts:
        flow = problem.flows[part.flow]
        up[flow.source, part.spine] += part.size
        down[flow.target, part.spine] += part.size
    return sorted(up.values(), reverse=True), sorted(down.values(), reverse=True)


def draw(problem: LeafSpine, solution: LeafSpineSolution, figure: Figure) -> None:
    """Draw a solution, which may be without parts.

    The loads of all links up and of all links down, the busiest first, and a line at the least
    congestion.
    """
    figure.set_size_inches(10.0, 4.0)
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    for row, (name, values) in enumerate(
        zip(("links up", "links down"), loads(problem, solution), strict=True)
    ):
        edges = [edge + 0.5 for edge in range(len(values) + 1)]
        # Often both are the same: the wide line shows on both sides of the narrow one.
        width = 3.0 - 2.0 * row
        ax.stairs(values, edges, color=series_colour(row), linewidth=width, label=name)
    if solution.tiers and solution.tiers[0].bound is not None:
        bound = float(solution.tiers[0].bound)
        ax.axhline(bound, color=LATE, linewidth=1.0, linestyle="--", label="least congestion")
    ax.set_ylim(bottom=0.0)
    whole_numbers(ax.xaxis)
    ax.set_xlabel("link, the busiest first")
    ax.set_ylabel("load")
    legend_beside(ax)
