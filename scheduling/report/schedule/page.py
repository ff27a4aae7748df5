"""The interactive page of a schedule: one HTML file that needs nothing else."""

from __future__ import annotations

from typing import Any

from scheduling.report.html import fill_template
from scheduling.report.palette import SERIES, text_colour
from scheduling.report.schedule.layout import By, ScheduleChart
from scheduling.report.schedule.rows import Row, Span
from scheduling.report.schedule.sentence import format_number
from scheduling.report.schedule.usage import Steps

_SCRIPTS = (
    "format.js",
    "common.js",
    "model.js",
    "state.js",
    "bars.js",
    "marks.js",
    "gantt.js",
    "interact.js",
    "overview.js",
    "panels.js",
    "table.js",
    "page.js",
)


def render_page(chart: ScheduleChart, by: By = "resource") -> str:
    """Return the page; ``by`` is what the rows stand for at first.

    The page loads nothing: styles, scripts and data are in it, and its content security policy
    forbids any request.

    Raises
    ------
    InputError
        When there is no such view.
    """
    chart.rows(by)
    return fill_template(
        "gantt.html",
        styles=("gantt.css",),
        scripts=_SCRIPTS,
        data=page_data(chart, by),
        texts={"title": chart.title, "sentence": chart.sentence, "facts": facts(chart)},
    )


def facts(chart: ScheduleChart) -> str:
    """Describe the size of a schedule and its lateness, for people who do not see the chart."""
    if not chart.tasks:
        total = chart.missing + chart.skipped
        return f"{_count(total, 'task')} of {_count(len(chart.jobs), 'job')}, none placed."
    resources = sum(1 for row in chart.by_resource if row.kind not in ("none", "disjunction"))
    members = f"{_count(len(chart.tasks), 'task')} of {_count(len(chart.jobs), 'job')}"
    times = f"from {format_number(chart.start)} to {format_number(chart.end)}"
    parts = [f"{members} on {_count(resources, 'resource')}, {times}."]
    due = [job.lateness for job in chart.jobs if job.lateness is not None]
    if due:
        late = sum(1 for lateness in due if lateness > 0)
        parts.append(f"{late:,} of {_count(len(due), 'job')} with a due date end late.")
    critical = sum(task.critical for task in chart.tasks)
    parts.append(f"{_count(critical, 'task')} on critical paths.")
    if chart.skipped:
        parts.append(f"{_count(chart.skipped, 'optional task')} skipped.")
    if chart.missing:
        parts.append(f"{_count(chart.missing, 'task')} of the problem not placed.")
    return " ".join(parts)


def page_data(chart: ScheduleChart, by: By) -> dict[str, Any]:
    """Return the chart column by column, which is compact and quick to read in a browser."""
    names = sorted({name for task in chart.tasks for name, _ in task.uses})
    index = {name: number for number, name in enumerate(names)}
    kinds = {row.kind for row in chart.by_resource}
    return {
        "view": by,
        "names": {
            "resource": "By machine" if kinds <= {"machine", "none"} else "By resource",
            "job": "By task" if len(chart.jobs) == 1 else "By job",
        },
        "limits": chart.limits,
        "palette": SERIES,
        "paletteText": [text_colour(colour) for colour in SERIES],
        "resources": names,
        "jobs": {
            "id": [job.id for job in chart.jobs],
            "end": [job.end for job in chart.jobs],
            "due": [job.due for job in chart.jobs],
        },
        "tasks": _tasks(chart, index),
        "path": chart.path,
        "byResource": _view(chart, chart.by_resource),
        "byJob": _view(chart, chart.by_job),
        "profiles": [
            {
                "label": profile.label,
                "kind": profile.kind,
                "share": profile.share,
                "usage": _differences(profile.usage),
                "capacity": _differences(profile.capacity),
            }
            for profile in chart.profiles
        ],
        "history": {
            "points": chart.history,
            "seconds": max([chart.seconds, *(point.seconds for point in chart.history)]),
            "label": f"Objective and bound over time. {chart.sentence}",
        },
    }


def _tasks(chart: ScheduleChart, index: dict[str, int]) -> dict[str, Any]:
    tasks = chart.tasks
    return {
        "id": [task.id for task in tasks],
        "job": [task.job for task in tasks],
        "start": [task.start for task in tasks],
        "duration": [task.end - task.start for task in tasks],
        "mode": [task.mode for task in tasks],
        "modes": [task.modes for task in tasks],
        "late": [(i, task.late_from) for i, task in enumerate(tasks) if task.late_from is not None],
        "critical": [i for i, task in enumerate(tasks) if task.critical],
        "held": [(i, task.held) for i, task in enumerate(tasks) if task.held is not None],
        "setup": [(i, task.setup) for i, task in enumerate(tasks) if task.setup],
        "paused": [
            (i, sum(end - start for start, end in task.pauses))
            for i, task in enumerate(tasks)
            if task.pauses
        ],
        "useCounts": [len(task.uses) for task in tasks],
        "useResource": [index[name] for task in tasks for name, _ in task.uses],
        "useAmount": [amount for task in tasks for _, amount in task.uses],
    }


def _view(chart: ScheduleChart, rows: tuple[Row, ...]) -> dict[str, Any]:
    """Split each row into bars, counted by lane, and moments (tasks without duration).

    Rows often share a calendar, so closed and slow times stand once each and rows refer to them.
    """
    closures = list(dict.fromkeys(row.closed for row in rows))
    closure = {closed: number for number, closed in enumerate(closures)}
    slows = list(dict.fromkeys(row.slow for row in rows))
    slow = {spans: number for number, spans in enumerate(slows)}
    bars: list[int] = []
    counts: list[int] = []
    moments: list[int] = []
    moment_counts: list[int] = []
    for row in rows:
        in_lane = [0] * row.lanes
        instant = 0
        for task, lane in row.bars:
            if chart.tasks[task].start == chart.tasks[task].end:
                moments.append(task)
                instant += 1
            else:
                bars.append(task)
                in_lane[lane] += 1
        counts += in_lane
        moment_counts.append(instant)
    return {
        "labels": [row.label for row in rows],
        "kinds": [row.kind for row in rows],
        "jobs": [-1 if row.job is None else row.job for row in rows],
        "lanes": [row.lanes for row in rows],
        "closed": [[time for pair in closed for time in pair] for closed in closures],
        "closedOf": [closure[row.closed] for row in rows],
        "slow": [[time for pair in spans for time in pair] for spans in slows],
        "slowOf": [slow[row.slow] for row in rows],
        "holds": [_flat(row.holds) for row in rows],
        "setups": [_flat(row.setups) for row in rows],
        "pauses": [_flat(row.pauses) for row in rows],
        "bars": bars,
        "barCounts": counts,
        "moments": moments,
        "momentCounts": moment_counts,
    }


def _flat(spans: tuple[Span, ...]) -> list[int]:
    return [value for span in spans for value in span]


def _differences(steps: Steps) -> list[int]:
    flat, last = [], 0
    for time, value in steps:
        flat += [time - last, value]
        last = time
    return flat


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
