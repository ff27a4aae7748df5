"""Charts of Pareto fronts of plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.report.palette import INK, SERIES
from scheduling.report.pictures import check_suffix, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[float, float]


def write_plan_front(
    points: Sequence[Point], axes: tuple[str, str], title: str, path: str | Path
) -> None:
    """Write a chart of the trade-offs between two goals, ``.png`` or ``.svg`` by the suffix.

    Parameters
    ----------
    points
        Values of the plans in both goals, by falling values of the first.
    axes
        Names of the goals with their units.
    title
        Name of the fleet.
    path
        Where to write; an existing file is replaced.

    Raises
    ------
    InputError
        For another suffix, a place that cannot be written, and a front without points.
    """
    check_suffix(path)
    if not points:
        raise InputError.single("points", "none", "a front with at least one point")
    write_picture(lambda figure: _draw(points, axes, title, figure), path)


def _draw(points: Sequence[Point], axes: tuple[str, str], title: str, figure: Figure) -> None:
    figure.set_size_inches(5.0, 4.5)
    figure.suptitle(title, color=INK)
    ax = figure.add_subplot()
    firsts, seconds = zip(*points, strict=True)
    # Between two caps the plan of the lower one is the best that there is.
    ax.step(firsts, seconds, where="pre", color=SERIES[4], linewidth=1.2)
    ax.scatter(firsts, seconds, color=SERIES[4], s=22, zorder=3)
    ax.set_xlabel(axes[0])
    ax.set_ylabel(axes[1])
