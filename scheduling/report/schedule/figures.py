"""Charts of schedules with matplotlib, for papers and notebooks.

Each function draws into ``ax``, or into a new figure of pyplot without one, and returns the axes.
"""

from __future__ import annotations

from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.palette import INK, LATE, SERIES, series_colour, text_colour
from scheduling.report.schedule.layout import By, Row, ScheduleChart, build_chart, history_points
from scheduling.report.schedule.usage import Profile, Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELLED_BARS = 400
_LABELLED_ROWS = 60
_PROFILES = 6
_BAR = 0.86
_GRID = "#d5dbe1"
_CLOSED = "#e3e7eb"
_FADED = 0.35
_PAUSE = {
    "facecolors": _CLOSED,
    "edgecolors": INK,
    "hatch": "////",
    "linewidths": 0.0,
    "alpha": 0.7,
}
_SETUP = {"facecolors": "white", "edgecolors": INK, "hatch": "....", "linewidths": 0.6}


def plot_gantt(
    problem: ScheduleProblem,
    solution: ScheduleSolution,
    *,
    by: By = "resource",
    ax: Axes | None = None,
) -> Axes:
    """Draw a Gantt chart.

    Colours stand for jobs (for tasks when there is a single job). Setups are dotted, and where a
    blocking job keeps a machine its colour is faded. Critical tasks have a dark
    outline and a line joins one critical path; breaks are grey; what runs past its job's due date
    is underlined in vermillion. By job, a triangle marks each due date.

    Parameters
    ----------
    problem, solution
        What was asked and what is drawn; the solution may be incomplete or infeasible.
    by
        ``"resource"``: a row per machine and renewable resource; ``"job"``: a row per job, or per
        task when there is a single job.
    ax
        Axes to draw into.

    Raises
    ------
    InputError
        When the solution names tasks or modes that the problem does not have, or ``by`` is
        neither.
    """
    return draw_gantt(build_chart(problem, solution), _axes(ax), by)


def plot_profile(
    problem: ScheduleProblem,
    solution: ScheduleSolution,
    resource: str,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the usage of a renewable or consumable resource against its capacity over time.

    Of a reservoir, the level is drawn against its maximum, if it has one.

    ``"machines at work"`` names all machines together, where there are at least two.

    Raises
    ------
    InputError
        When the problem has no such resource.
    """
    chart = build_chart(problem, solution)
    for profile in chart.profiles:
        if profile.label == resource:
            return draw_profile(chart, profile, _axes(ax))
    names = ", ".join(repr(profile.label) for profile in chart.profiles) or "none: there is none"
    raise InputError.single("resource", repr(resource), f"one of {names}")


def plot_history(solution: ScheduleSolution, *, ax: Axes | None = None) -> Axes:
    """Draw objective and bound over the seconds of the solve."""
    ax = _axes(ax)
    history = history_points(solution)
    end = max([solution.seconds, *(point.seconds for point in history)])
    for column, label, colour in ((1, "objective", SERIES[4]), (2, "bound", SERIES[1])):
        points = [(row[0], value) for row in history if (value := row[column]) is not None]
        if points:
            times = [time for time, _ in points] + [end]
            values = [value for _, value in points] + [points[-1][1]]
            ax.step(times, values, where="post", color=colour, label=label, linewidth=1.8)
    if ax.lines:
        ax.legend(frameon=False)
    else:
        _say(ax, "No history was recorded.")
    ax.set(xlabel="seconds", ylabel="value", title="Objective and bound")
    _tidy(ax)
    return ax


def draw_figure(chart: ScheduleChart, figure: Figure, by: By) -> None:
    """Fill a figure with the Gantt chart and the profiles of up to six resources below it."""
    rows = chart.rows(by)
    lanes = sum(row.lanes for row in rows)
    profiles = [p for p in chart.profiles if p.kind != "machines"][:_PROFILES]
    if not chart.tasks:
        profiles = []
    tall = min(max(2.4, 0.32 * lanes), 14.0)
    heights = [tall] + [1.1] * len(profiles)
    figure.set_size_inches(11.0, sum(heights) + 1.4)
    axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False, sharex=True)
    draw_gantt(chart, axes[0, 0], by)
    for ax, profile in zip(axes[1:, 0], profiles, strict=True):
        draw_profile(chart, profile, ax)
    for ax in axes[:-1, 0]:
        ax.set_xlabel("")
    legend = axes[0, 0].get_legend()
    if legend is not None and profiles:
        legend.borderaxespad = 0.8


def draw_gantt(chart: ScheduleChart, ax: Axes, by: By) -> Axes:
    """Draw the rows of a chart into ``ax``."""
    if not chart.tasks:
        ax.set_title(_plain(chart.title), fontsize=12, fontweight="bold", loc="left")
        _say(ax, _plain(chart.sentence))
        return ax
    _head(ax, chart)
    rows = chart.rows(by)
    tops = _tops(rows)
    first, last = chart.limits
    ax.set(xlim=_margins(first, last), ylim=(tops[-1], 0), xlabel="time")
    _tidy(ax)
    ax.grid(axis="x", color=_GRID, linewidth=0.6)
    _row_labels(ax, rows, tops)
    _breaks(ax, rows, tops)
    _spans(ax, chart, rows, tops)
    _bars(ax, chart, rows, tops)
    _pauses(ax, rows, tops)
    _path(ax, chart, rows, tops)
    if by == "job":
        _dues(ax, chart, rows, tops)
    _legend(ax, chart, rows, by)
    return ax


def draw_profile(chart: ScheduleChart, profile: Profile, ax: Axes) -> Axes:
    """Draw one resource profile into ``ax``."""
    from matplotlib.ticker import MaxNLocator

    first, last = chart.limits
    times, usage = _stairs(profile.usage, first, last)
    ax.fill_between(times, usage, step="post", color=SERIES[0], linewidth=0, label="usage")
    capacity: list[int] = []
    if profile.capacity:
        times, capacity = _stairs(profile.capacity, first, last)
        ax.step(times, capacity, where="post", color=INK, linewidth=1.2, label="capacity")
    top = max([1, *usage, *capacity])
    low = min([0, *usage])
    ax.set(xlim=_margins(first, last), ylim=(1.12 * low, 1.12 * top), xlabel="time")
    share = ", level" if profile.kind == "reservoir" else ""
    if profile.share is not None:
        share = f", {100 * profile.share:.0f} % used"
    ax.set_title(f"{_plain(profile.label)}{share}", fontsize=9, loc="left")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    _tidy(ax)
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _head(ax: Axes, chart: ScheduleChart) -> None:
    """Write the title and, below it, the answer in as many lines as it needs."""
    missing = f" {chart.missing:,} tasks are not placed." if chart.missing else ""
    if chart.skipped:
        missing = f" {chart.skipped:,} optional tasks are skipped.{missing}"
    letters = int(_inches(ax) * 72 / 5)
    lines = wrap(chart.sentence + missing, max(letters, 20))
    ax.annotate(
        _plain("\n".join(lines)),
        (0, 1),
        (0, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        va="bottom",
    )
    above = 8 + 11.5 * len(lines)
    ax.set_title(_plain(chart.title), fontsize=12, fontweight="bold", loc="left", pad=above)


def _inches(ax: Axes) -> float:
    """Approximate width of the axes."""
    figure = ax.get_figure(root=True)
    return 0.85 * (figure.get_size_inches()[0] if figure is not None else 6.4)


def _say(ax: Axes, text: str) -> None:
    ax.set_axis_off()
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=12, wrap=True
    )


def _tidy(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=9)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _margins(first: int, last: int) -> tuple[float, float]:
    """Room for the outlines of the first and last bars."""
    return first - 0.004 * (last - first), last + 0.006 * (last - first)


def _tops(rows: tuple[Row, ...]) -> list[int]:
    """Ordinate of the top of each row, and of the bottom of the last."""
    tops = [0]
    for row in rows:
        tops.append(tops[-1] + row.lanes)
    return tops


def _row_labels(ax: Axes, rows: tuple[Row, ...], tops: list[int]) -> None:
    every = -(-len(rows) // _LABELLED_ROWS)
    shown = range(0, len(rows), every)
    ax.set_yticks(
        [(tops[row] + tops[row + 1]) / 2 for row in shown],
        [_plain(_shorten(rows[row].label, 24)) for row in shown],
        fontsize=9 if len(rows) <= 40 else 7,
    )
    ax.tick_params(axis="y", length=0)
    if len(rows) <= _LABELLED_ROWS:
        across = ax.get_yaxis_transform()
        ax.hlines(tops[1:-1], 0, 1, transform=across, color=_GRID, linewidth=0.5, zorder=0)


def _plain(text: str) -> str:
    """Keep matplotlib from reading a name with dollar signs as a formula."""
    return text.replace("$", r"\$")


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _breaks(ax: Axes, rows: tuple[Row, ...], tops: list[int]) -> None:
    shapes = [
        _box(start, end, top, top + row.lanes)
        for row, top in zip(rows, tops, strict=False)
        for start, end in row.closed
    ]
    _boxes(ax, shapes, facecolors=_CLOSED, edgecolors="#c3cad1", hatch="////", linewidths=0.0)


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
    letters_per_time = _inches(ax) * 72 / 4.4 / (last - first)
    for row, top in zip(rows, tops, strict=False):
        for number, lane in row.bars:
            task = chart.tasks[number]
            room = int((task.end - task.start) * letters_per_time) - 1
            name = next((n for n in (task.id, task.id.rpartition(" ")[2]) if len(n) <= room), None)
            if name:
                ax.text(
                    (task.start + task.end) / 2,
                    top + lane + 0.5,
                    _plain(name),
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


def _stairs(steps: Steps, first: int, last: int) -> tuple[list[int], list[int]]:
    """Corners of a step function between two times, its value before the first step being 0."""
    inner = [(time, level) for time, level in steps if first < time < last]
    opening = [level for time, level in steps if time <= first]
    levels = [opening[-1] if opening else 0] + [level for _, level in inner]
    return [first, *(time for time, _ in inner), last], [*levels, levels[-1]]
