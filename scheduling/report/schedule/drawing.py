"""The marks of a Gantt chart: breaks, bars, pauses, setups, critical path, due dates."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from scheduling.report.palette import INK, LATE, SERIES, series_colour, text_colour
from scheduling.report.schedule.layout import By, ScheduleChart
from scheduling.report.schedule.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELLED_BARS = 400
_BAR = 0.86
_CLOSED = "#e3e7eb"
_FADED = 0.35
_SLOW = 0.5
_PAUSE = {
    "facecolors": _CLOSED,
    "edgecolors": INK,
    "hatch": "////",
    "linewidths": 0.0,
    "alpha": 0.7,
}
_SETUP = {"facecolors": "white", "edgecolors": INK, "hatch": "....", "linewidths": 0.6}


def draw_marks(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], by: By) -> None:
    """Draw what stands in the rows of a chart, and its legend."""
    tops = row_tops(rows)
    _breaks(ax, rows, tops)
    _spans(ax, chart, rows, tops)
    _bars(ax, chart, rows, tops)
    _pauses(ax, rows, tops)
    _path(ax, chart, rows, tops)
    if by == "job":
        _dues(ax, chart, rows, tops)
    _legend(ax, chart, rows, by)


def row_tops(rows: tuple[Row, ...]) -> list[int]:
    """Ordinate of the top of each row, and of the bottom of the last."""
    tops = [0]
    for row in rows:
        tops.append(tops[-1] + row.lanes)
    return tops


def _breaks(ax: Axes, rows: tuple[Row, ...], tops: list[int]) -> None:
    shapes = [
        _box(start, end, top, top + row.lanes)
        for row, top in zip(rows, tops, strict=False)
        for start, end in row.closed
    ]
    _boxes(ax, shapes, facecolors=_CLOSED, edgecolors="#c3cad1", hatch="////", linewidths=0.0)
    shapes = [
        _box(start, end, top, top + row.lanes)
        for row, top in zip(rows, tops, strict=False)
        for start, end in row.slow
    ]
    _boxes(ax, shapes, facecolors=_CLOSED, linewidths=0.0, alpha=_SLOW)


def _spans(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], tops: list[int]) -> None:
    """Draw how long jobs keep machines, in a faded colour, and setups, dotted."""
    margin = (1 - _BAR) / 2
    holds, colours, setups = [], [], []
    for row, top in zip(rows, tops, strict=False):
        for span in row.holds:
            upper, lower = top + span.lane + margin, top + span.lane + 1 - margin
            holds.append(_box(span.start, span.end, upper, lower))
            colours.append(series_colour(chart.colour(span.task)))
        for span in row.setups:
            upper, lower = top + span.lane + margin, top + span.lane + 1 - margin
            setups.append(_box(span.start, span.end, upper, lower))
    _boxes(ax, holds, facecolors=colours, edgecolors="white", linewidths=0.4, alpha=_FADED)
    _boxes(ax, setups, **_SETUP)


def _pauses(ax: Axes, rows: tuple[Row, ...], tops: list[int]) -> None:
    """Veil the parts of bars in which their tasks pause."""
    margin = (1 - _BAR) / 2
    shapes = [
        _box(span.start, span.end, top + span.lane + margin, top + span.lane + 1 - margin)
        for row, top in zip(rows, tops, strict=False)
        for span in row.pauses
    ]
    _boxes(ax, shapes, **_PAUSE)


def _box(start: float, end: float, top: float, bottom: float) -> list[tuple[float, float]]:
    return [(start, top), (end, top), (end, bottom), (start, bottom)]


def _boxes(ax: Axes, shapes: list[list[tuple[float, float]]], **style: object) -> None:
    from matplotlib.collections import PolyCollection

    if shapes:
        ax.add_collection(PolyCollection(shapes, **style))  # type: ignore[arg-type]


def _bars(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], tops: list[int]) -> None:
    plain, critical, late, moments = [], [], [], []
    colours = []
    margin = (1 - _BAR) / 2
    for row, top in zip(rows, tops, strict=False):
        for number, lane in row.bars:
            task = chart.tasks[number]
            upper, lower = top + lane + margin, top + lane + 1 - margin
            colour = series_colour(chart.colour(number))
            if task.start == task.end:
                moments.append((task.start, (upper + lower) / 2, colour))
                continue
            plain.append(_box(task.start, task.end, upper, lower))
            colours.append(colour)
            if task.critical:
                critical.append(plain[-1])
            if task.late_from is not None:
                late.append(_box(task.late_from, task.end, lower - 0.14, lower))
    thin = 0.4 if len(plain) <= 2000 else 0.0
    _boxes(ax, plain, facecolors=colours, edgecolors="white", linewidths=thin)
    _boxes(ax, late, facecolors=LATE, edgecolors="white", linewidths=thin, zorder=2.8)
    outline = 1.3 if thin else 0.7
    _boxes(ax, critical, facecolors="none", edgecolors=INK, linewidths=outline, zorder=3)
    if moments:
        x, y, fill = zip(*moments, strict=True)
        ax.scatter(x, y, c=fill, marker="D", s=28, edgecolors=INK, linewidths=0.8, zorder=3.5)
    if len(plain) <= _LABELLED_BARS:
        _bar_labels(ax, chart, rows, tops)


def _bar_labels(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], tops: list[int]) -> None:
    """Write names into the bars that are wide enough for them."""
    first, last = chart.limits
    letters_per_time = width_in_inches(ax) * 72 / 4.4 / (last - first)
    for row, top in zip(rows, tops, strict=False):
        for number, lane in row.bars:
            task = chart.tasks[number]
            room = int((task.end - task.start) * letters_per_time) - 1
            name = next((n for n in (task.id, task.id.rpartition(" ")[2]) if len(n) <= room), None)
            if name:
                ax.text(
                    (task.start + task.end) / 2,
                    top + lane + 0.5,
                    plain(name),
                    ha="center",
                    va="center_baseline",
                    fontsize=7,
                    color=text_colour(series_colour(chart.colour(number))),
                    clip_on=True,
                    zorder=4,
                )


def _path(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], tops: list[int]) -> None:
    """Join the tasks of one critical path: down or up where one ends, then along the next row."""
    from matplotlib.collections import LineCollection

    centre: dict[int, float] = {}
    for row, top in zip(rows, tops, strict=False):
        for number, lane in row.bars:
            centre.setdefault(number, top + lane + 0.5)
    lines = []
    for before, after in pairwise(chart.path):
        end, start = chart.tasks[before].end, chart.tasks[after].start
        lines.append([(end, centre[before]), (end, centre[after]), (start, centre[after])])
    for colour, width, alpha in (("white", 2.8, 0.55), (INK, 1.1, 1.0)):
        line = LineCollection(lines, colors=colour, linewidths=width, alpha=alpha, zorder=2.5)
        ax.add_collection(line)


def _dues(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], tops: list[int]) -> None:
    _, last = chart.limits
    for row, top in zip(rows, tops, strict=False):
        job = None if row.kind == "task" or row.job is None else chart.jobs[row.job]
        if job is None or job.due is None or job.due > last:
            continue
        late = job.lateness is not None and job.lateness > 0
        colour = LATE if late else INK
        ax.plot([job.due] * 2, [top + 0.04, top + row.lanes - 0.04], color=colour, linewidth=1.4)
        ax.plot([job.due], [top + 0.12], marker="v", color=colour, markersize=6, clip_on=False)


def _legend(ax: Axes, chart: ScheduleChart, rows: tuple[Row, ...], by: By) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Line2D | Patch] = [Patch(fc="none", ec=INK, lw=1.3, label="critical")]
    if any(row.closed for row in rows):
        entries.append(Patch(fc=_CLOSED, ec="#c3cad1", hatch="////", lw=0, label="closed"))
    if any(row.slow for row in rows):
        entries.append(Patch(fc=_CLOSED, lw=0, alpha=_SLOW, label="slow"))
    if any(row.holds for row in rows):
        entries.append(Patch(fc=SERIES[0], alpha=_FADED, label="machine kept"))
    if any(row.pauses for row in rows):
        entries.append(Patch(fc=_CLOSED, ec=INK, hatch="////", lw=0, alpha=0.7, label="pause"))
    if any(row.setups for row in rows):
        entries.append(Patch(fc="white", ec=INK, hatch="....", lw=0.6, label="setup"))
    if any(task.late_from is not None for task in chart.tasks):
        entries.append(Patch(fc=LATE, label="past the due date"))
    if by == "job" and any(job.due is not None for job in chart.jobs):
        mark = Line2D([], [], color=INK, marker="v", linestyle="none", label="due date")
        entries.append(mark)
    ax.legend(
        handles=entries,
        loc="upper right",
        bbox_to_anchor=(1.0, 0.0),
        borderaxespad=2.6,
        ncols=len(entries),
        frameon=False,
        fontsize=8,
        borderpad=0,
        handlelength=1.4,
        columnspacing=1.2,
    )


def plain(text: str) -> str:
    """Keep matplotlib from reading a name with dollar signs as a formula."""
    return text.replace("$", r"\$")


def width_in_inches(ax: Axes) -> float:
    """Approximate width of the axes."""
    figure = ax.get_figure(root=True)
    return 0.85 * (figure.get_size_inches()[0] if figure is not None else 6.4)
