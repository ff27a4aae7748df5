"""Charts of Pareto fronts: the points, and between them and the bounds what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.models.front import ParetoFront
from scheduling.report.palette import INK, SERIES
from scheduling.report.pictures import check_suffix, write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 4.5
"""Inches of a panel's side."""

_OPEN = "#e3e7eb"

Pair = tuple[int, int]


def write_front(front: ParetoFront, path: str | Path) -> None:
    """Write a chart of a front, ``.png`` or ``.svg`` by the suffix, whole or not at all.

    Each panel shows two of the criteria: the points, the line below which nothing is known to be
    reached, and dashed the line below which nothing can be. Between them is grey.

    Raises
    ------
    InputError
        For another suffix, a place that cannot be written, and a front without points.
    """
    check_suffix(path)
    if not front.points:
        raise InputError.single("points", "none", "a front with at least one point")
    write_picture(lambda figure: _draw(front, figure), path)


def _draw(front: ParetoFront, figure: Figure) -> None:
    axes = list(combinations(range(len(front.criteria)), 2))
    figure.set_size_inches(_SIDE * len(axes) + 0.5, _SIDE)
    figure.suptitle(front.problem or "Pareto front")
    for number, pair in enumerate(axes, 1):
        _panel(front, pair, figure.add_subplot(1, len(axes), number))


def _panel(front: ParetoFront, pair: Pair, ax: Axes) -> None:
    first, second = pair
    points = [(vector[first], vector[second]) for vector in front.vectors]
    lower = [(low[first], low[second]) for low in front.lower]
    corner = front.reference[first], front.reference[second]
    reached, bound = staircase(points, corner), staircase(lower, corner)
    outline = [*reached, *bound[::-1]]
    ax.fill([x for x, _ in outline], [y for _, y in outline], color=_OPEN, linewidth=0)
    ax.plot(*zip(*reached, strict=True), color=SERIES[4], linewidth=1.2)
    if bound != reached:
        ax.plot(*zip(*bound, strict=True), color=INK, linewidth=1.0, linestyle="--", label="bound")
    xs, ys = zip(*points, strict=True)
    ax.scatter(xs, ys, color=SERIES[4], s=22, zorder=3, label="solutions")
    ax.set_xlabel(front.labels[first])
    ax.set_ylabel(front.labels[second])
    ax.legend(frameon=False)


def staircase(points: Sequence[Pair], corner: Pair) -> list[Pair]:
    """Edge of what points dominate, from above to the right, up to a corner."""
    steps: list[Pair] = []
    height = corner[1]
    for x, y in sorted(points):
        if y < height and x < corner[0]:
            steps += [(x, height), (x, y)]
            height = y
    return [*steps, (corner[0], height)]
