"""Performance profiles as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.bench.records import Record
from scheduling.bench.tables import solver_profile
from scheduling.report.palette import series_colour
from scheduling.report.pictures import write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_profile(records: Sequence[Record], path: Path) -> None:
    """Draw the share of runs within each distance of the best value, a curve for each solver.

    Parameters
    ----------
    records
        Runs of one or several solvers.
    path
        Name that ends in ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        For another ending, and a place that cannot be written.
    """
    write_picture(lambda figure: _draw(records, figure), path)


def _draw(records: Sequence[Record], figure: Figure) -> None:
    figure.set_size_inches(7.0, 4.2)
    axes = figure.subplots()
    curves = solver_profile(records)
    widest = max((100 * distance for curve in curves.values() for distance, _ in curve), default=0)
    end = 1.02 * widest or 1.0
    for number, (solver, curve) in enumerate(curves.items()):
        distances = [0.0, *(100 * distance for distance, _ in curve)]
        shares = [0.0, *(100 * share for _, share in curve)]
        axes.step(
            [*distances, end],
            [*shares, shares[-1]],
            where="post",
            label=solver,
            color=series_colour(number),
            linewidth=1.8,
        )
    # A solver that is always best has its curve along the axis, so there is room to see it.
    axes.set(
        xlabel="distance above the best known value, %",
        ylabel="share of runs, %",
        ylim=(0, 103),
        xlim=(-0.02 * end, end),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
