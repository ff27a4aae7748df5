"""Gantt charts as files: pictures or an interactive page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from scheduling.errors import InputError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.files import write_whole
from scheduling.report.schedule.figures import By, draw_figure
from scheduling.report.schedule.layout import ScheduleChart, build_chart
from scheduling.report.schedule.page import render_page

_DOTS_PER_INCH = 150


def write_gantt(
    problem: ScheduleProblem,
    solution: ScheduleSolution,
    path: str | Path,
    *,
    by: By = "resource",
) -> None:
    """Write a Gantt chart; the suffix of ``path`` chooses what it becomes.

    ``.html`` is a page for a browser that needs no network: hover, zoom, filter, resource
    profiles, objective and bound over time, and a table. ``.png`` and ``.svg`` are pictures with
    the profiles of renewable and consumable resources below. The same schedule gives the same
    bytes. The file appears whole or not at all. A solution without tasks becomes a chart that says
    so.

    Parameters
    ----------
    problem, solution
        What was asked and what is drawn; the solution may be incomplete or infeasible.
    path
        Where to write; an existing file is replaced.
    by
        What the rows stand for: ``"resource"`` or ``"job"``. A page starts with it and can switch.

    Raises
    ------
    InputError
        For another suffix, for a place that cannot be written, and when the solution names tasks
        or modes that the problem does not have.
    """
    path = Path(path)
    render = _RENDERERS.get(path.suffix.lower())
    if render is None:
        expected = "a name that ends in " + ", ".join(_RENDERERS)
        raise InputError.single("path", repr(path.name), expected)
    content = render(build_chart(problem, solution), by)
    try:
        write_whole(path, content)
    except OSError as error:
        found = f"{str(path)!r} ({error.strerror})"
        raise InputError.single("path", found, "a place that can be written") from error


def _picture(chart: ScheduleChart, by: By, form: str) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "scheduling", "svg.fonttype": "none"})
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        draw_figure(chart, figure, by)
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(buffer, format=form, dpi=_DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()


_RENDERERS: dict[str, Callable[[ScheduleChart, By], bytes]] = {
    ".html": lambda chart, by: render_page(chart, by).encode(),
    ".png": lambda chart, by: _picture(chart, by, "png"),
    ".svg": lambda chart, by: _picture(chart, by, "svg"),
}
