"""Performance profiles as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scheduling.bench.records import Record
from scheduling.bench.tables import solver_profile
from scheduling.errors import InputError
from scheduling.storage import write_whole


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
        For another ending.
    """
    form = path.suffix.lower().lstrip(".")
    if form not in ("svg", "png"):
        raise InputError.single("profile", repr(path.name), "a name that ends in .svg or .png")
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for solver, curve in solver_profile(records).items():
        distances = [0.0, *(100 * distance for distance, _ in curve)]
        shares = [0.0, *(100 * share for _, share in curve)]
        axes.step(distances, shares, where="post", label=solver)
    axes.set(
        xlabel="distance above the best known value, %",
        ylabel="share of runs, %",
        ylim=(0, 102),
        xlim=(0, None),
    )
    axes.grid(alpha=0.3)
    axes.legend()
    content = BytesIO()
    figure.savefig(content, format=form)
    write_whole(path, content.getvalue())
