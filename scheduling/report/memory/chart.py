"""Charts of memory over time: what lies at which address when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.models.memory.problem import MemoryProblem, pieces
from scheduling.models.memory.solution import MemorySolution
from scheduling.report.palette import INK, LATE, series_colour, text_colour
from scheduling.report.words import byte_unit, proven

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL_WIDTH, _LABEL_HEIGHT = 0.05, 0.035
"""Shares of the chart that a rectangle needs for its name to be written into it."""

_LETTER = 0.009


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A buffer while it is live without a break: times across, bytes up."""

    buffer: str
    start: int
    end: int
    offset: int
    size: int
    series: int


def rectangles(problem: MemoryProblem, solution: MemorySolution) -> list[Rectangle]:
    """Return what is drawn, in the order of the buffers; a solution without places has none."""
    offsets = {place.buffer: place.offset for place in solution.places}
    return [
        Rectangle(buffer.id, start, end, offsets[buffer.id], buffer.size, number)
        for number, buffer in enumerate(problem.buffers)
        if buffer.id in offsets
        for start, end in pieces(buffer)
    ]


def sentence(problem: MemoryProblem, solution: MemorySolution) -> str:
    """Say what is reached and what is proven."""
    name = problem.name or "memory"
    if solution.objective is None:
        return f"{name}: no allocation ({solution.status})"
    factor, unit = scale(problem, solution)
    reached = f"{name}: {solution.objective / factor:g} {unit}"
    return proven(reached, solution, shown=lambda bound: f"{bound / factor:g}")


def scale(problem: MemoryProblem, solution: MemorySolution) -> tuple[int, str]:
    """Return the unit of the axis, and its bytes."""
    return byte_unit(max(problem.capacity or 0, int(solution.objective or 0)))


def draw(problem: MemoryProblem, solution: MemorySolution, figure: Figure) -> None:
    """Draw a solution, which may be without places.

    The dashed line is the capacity, the solid one the height that is reached.
    """
    figure.set_size_inches(9.0, 5.0)
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.add_subplot()
    factor, unit = scale(problem, solution)
    ax.set_xlabel("time")
    ax.set_ylabel(f"address, {unit}")
    found = rectangles(problem, solution)
    if not found:
        return
    width = max(part.end for part in found) - min(part.start for part in found)
    top = max(problem.capacity or 0, int(solution.objective or 0)) / factor
    _bars(ax, found, factor)
    for part in found:
        _label(ax, part, factor, (width, top))
    if solution.objective is not None:
        ax.axhline(solution.objective / factor, color=INK, linewidth=1.0)
    if problem.capacity is not None:
        ax.axhline(problem.capacity / factor, color=LATE, linewidth=1.2, linestyle="--")
    ax.set_xlim(min(part.start for part in found), max(part.end for part in found))
    ax.set_ylim(0, 1.02 * top)


def _bars(ax: Axes, found: list[Rectangle], factor: int) -> None:
    from matplotlib.collections import PolyCollection

    corners = [
        [
            (part.start, part.offset / factor),
            (part.end, part.offset / factor),
            (part.end, (part.offset + part.size) / factor),
            (part.start, (part.offset + part.size) / factor),
        ]
        for part in found
    ]
    colours = [series_colour(part.series) for part in found]
    ax.add_collection(
        PolyCollection(corners, facecolors=colours, edgecolors="#ffffff", linewidths=0.4)
    )


def _label(ax: Axes, part: Rectangle, factor: int, whole: tuple[float, float]) -> None:
    wide = (part.end - part.start) / whole[0]
    high = part.size / factor / whole[1]
    if wide < max(_LABEL_WIDTH, _LETTER * len(part.buffer)) or high < _LABEL_HEIGHT:
        return
    ax.text(
        (part.start + part.end) / 2,
        (part.offset + part.size / 2) / factor,
        part.buffer,
        ha="center",
        va="center",
        fontsize=7,
        color=text_colour(series_colour(part.series)),
    )
