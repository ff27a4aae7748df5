"""Charts of schedules with matplotlib, for papers and notebooks.

Each function draws into ``ax``, or into a new figure of pyplot without one, and returns the axes.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.palette import INK, SERIES
from scheduling.report.schedule.drawing import draw_marks, plain, row_tops, width_in_inches
from scheduling.report.schedule.layout import By, ScheduleChart, build_chart, history_points
from scheduling.report.schedule.rows import Row
from scheduling.report.schedule.usage import Profile, Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELLED_ROWS = 60
_PROFILES = 6
_GRID = "#d5dbe1"


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
        ax.set_title(plain(chart.title), fontsize=12, fontweight="bold", loc="left")
        _say(ax, plain(chart.sentence))
        return ax
    _head(ax, chart)
    rows = chart.rows(by)
    tops = row_tops(rows)
    first, last = chart.limits
    ax.set(xlim=_margins(first, last), ylim=(tops[-1], 0), xlabel="time")
    _tidy(ax)
    ax.grid(axis="x", color=_GRID, linewidth=0.6)
    _row_labels(ax, rows, tops)
    draw_marks(ax, chart, rows, by)
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
    ax.set_title(f"{plain(profile.label)}{share}", fontsize=9, loc="left")
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
    letters = int(width_in_inches(ax) * 72 / 5)
    lines = wrap(chart.sentence + missing, max(letters, 20))
    ax.annotate(
        plain("\n".join(lines)),
        (0, 1),
        (0, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        va="bottom",
    )
    above = 8 + 11.5 * len(lines)
    ax.set_title(plain(chart.title), fontsize=12, fontweight="bold", loc="left", pad=above)


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


def _row_labels(ax: Axes, rows: tuple[Row, ...], tops: list[int]) -> None:
    every = -(-len(rows) // _LABELLED_ROWS)
    shown = range(0, len(rows), every)
    ax.set_yticks(
        [(tops[row] + tops[row + 1]) / 2 for row in shown],
        [plain(_shorten(rows[row].label, 24)) for row in shown],
        fontsize=9 if len(rows) <= 40 else 7,
    )
    ax.tick_params(axis="y", length=0)
    if len(rows) <= _LABELLED_ROWS:
        across = ax.get_yaxis_transform()
        ax.hlines(tops[1:-1], 0, 1, transform=across, color=_GRID, linewidth=0.5, zorder=0)


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _stairs(steps: Steps, first: int, last: int) -> tuple[list[int], list[int]]:
    """Corners of a step function between two times, its value before the first step being 0."""
    inner = [(time, level) for time, level in steps if first < time < last]
    opening = [level for time, level in steps if time <= first]
    levels = [opening[-1] if opening else 0] + [level for _, level in inner]
    return [first, *(time for time, _ in inner), last], [*levels, levels[-1]]
