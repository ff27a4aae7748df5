"""Gantt charts as files: pictures or an interactive page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.pictures import check_suffix, picture
from scheduling.report.schedule.figures import draw_figure
from scheduling.report.schedule.layout import By, ScheduleChart, build_chart
from scheduling.report.schedule.page import render_page
from scheduling.storage import write_whole


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
        For another suffix or view, for a place that cannot be written, and when the solution names
        tasks or modes that the problem does not have.
    """
    suffix = check_suffix(path, _RENDERERS)
    write_whole(Path(path), _RENDERERS[suffix](build_chart(problem, solution), by))


def _picture(chart: ScheduleChart, by: By, form: str) -> bytes:
    return picture(lambda figure: draw_figure(chart, figure, by), form)


_RENDERERS: dict[str, Callable[[ScheduleChart, By], bytes]] = {
    ".html": lambda chart, by: render_page(chart, by).encode(),
    ".png": lambda chart, by: _picture(chart, by, "png"),
    ".svg": lambda chart, by: _picture(chart, by, "svg"),
}
