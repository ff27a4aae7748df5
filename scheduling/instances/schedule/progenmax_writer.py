"""Writer of project files with minimal and maximal time lags (ProGen/max, ``.sch``)."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.instances.schedule.features import require
from scheduling.instances.schedule.project_writers import (
    PROJECT_FEATURES,
    amounts,
    capacity,
    is_idle,
)
from scheduling.instances.text import join_rows
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import Precedence, ScheduleProblem, Task

_ORIGIN = -1
Arcs = dict[tuple[int, int], int]
"""Lags between starts: ``start(j) >= start(i) + lag`` for the arc (i, j)."""


def write_progenmax(problem: Problem) -> str:
    """Write a single-mode project with time lags in ProGen/max layout.

    All kinds of precedences, release dates and deadlines become lags between starts, which is exact
    because each task has one duration. A machine becomes a resource of one unit. Source and sink
    are added where the problem has none of its own; tasks get numbers instead of names.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    more = {"time lags", "release dates", "deadlines"}
    schedule = require(problem, "progenmax", PROJECT_FEATURES | more)
    columns = list(schedule.resources)
    rows = [(task.modes[0].duration, amounts(task.modes[0], columns)) for task in schedule.tasks]
    arcs = _arcs(schedule)
    nothing = (0, [0] * len(columns))
    shift = 0 if _starts_with_source(schedule, arcs) else 1
    if shift:
        rows.insert(0, nothing)
    arcs = _renumber(arcs, shift)
    new_sink = not _ends_with_sink(schedule, arcs, len(rows) - 1)
    if new_sink:
        rows.append(nothing)
    last = len(rows) - 1
    durations = [duration for duration, _ in rows]
    arcs = _surround(arcs, durations, new_source=bool(shift), new_sink=new_sink)
    successors: list[dict[int, int]] = [{} for _ in rows]
    for (i, j), lag in arcs.items():
        successors[i][j] = lag
    links = [
        [number, 1, len(lags), *lags, *(f"[{lag}]" for lag in lags.values())]
        for number, lags in enumerate(successors)
    ]
    table = [[number, 1, duration, *wanted] for number, (duration, wanted) in enumerate(rows)]
    head = join_rows([[last - 1, len(columns), 0, 0]])
    return head + join_rows(links) + join_rows(table) + join_rows([map(capacity, columns)])


def _arcs(schedule: ScheduleProblem) -> Arcs:
    """Return all time relations as lags between starts; node -1 is time 0."""
    tasks = schedule.tasks
    index = {task.id: number for number, task in enumerate(tasks)}
    arcs: Arcs = {}
    for i, j, lag in _relations(schedule, index):
        arcs[i, j] = max(lag, arcs.get((i, j), lag))
    return arcs


def _relations(schedule: ScheduleProblem, index: dict[str, int]) -> Iterator[tuple[int, int, int]]:
    tasks = schedule.tasks
    for link in schedule.precedences:
        before, after = index[link.before], index[link.after]
        shift = _offset(link, tasks[before], tasks[after])
        if link.min_lag is not None:
            yield before, after, link.min_lag + shift
        if link.max_lag is not None:
            yield after, before, -(link.max_lag + shift)
    for job in schedule.jobs:
        previous: Task | None = None
        for task in job.tasks:
            number, duration = index[task.id], task.modes[0].duration
            if previous is not None and job.chain:
                yield index[previous.id], number, previous.modes[0].duration
            previous = task
            if job.release or task.release:
                yield _ORIGIN, number, max(job.release, task.release)
            ends = [end for end in (job.deadline, task.deadline) if end is not None]
            if ends:
                yield number, _ORIGIN, duration - min(ends)


def _offset(link: Precedence, before: Task, after: Task) -> int:
    """Return what turns a lag between the named events into one between starts."""
    first, second = link.kind.split("-")
    return (before.modes[0].duration if first == "end" else 0) - (
        after.modes[0].duration if second == "end" else 0
    )


def _starts_with_source(schedule: ScheduleProblem, arcs: Arcs) -> bool:
    """Tell whether the first task is idle and may be taken for time 0.

    It may when it is held at 0 by a deadline, or when nothing holds it back.
    """
    if len(schedule.tasks) < 2 or not is_idle(schedule.tasks[0].modes[0]):
        return False
    held = arcs.get((0, _ORIGIN)) == 0
    return held or not any(j == 0 for _, j in arcs)


def _ends_with_sink(schedule: ScheduleProblem, arcs: Arcs, last: int) -> bool:
    return last > 0 and is_idle(schedule.tasks[-1].modes[0]) and not any(i == last for i, _ in arcs)


def _renumber(arcs: Arcs, shift: int) -> Arcs:
    """Renumber the arcs: time 0 becomes the source, node 0, and the tasks move up by ``shift``."""
    moved: Arcs = {}
    for (i, j), lag in arcs.items():
        arc = (0 if i == _ORIGIN else i + shift, 0 if j == _ORIGIN else j + shift)
        if arc[0] != arc[1]:
            moved[arc] = max(lag, moved.get(arc, lag))
    return moved


def _surround(arcs: Arcs, durations: list[int], *, new_source: bool, new_sink: bool) -> Arcs:
    """Tie tasks without predecessor to the source and those without successor to the sink.

    For a new source or sink, only minimal lags count as such ties.
    """
    last = len(durations) - 1
    heads = {i for (i, _), lag in arcs.items() if lag >= 0 or not new_sink}
    tails = {j for (_, j), lag in arcs.items() if lag >= 0 or not new_source}
    sinks = {(i, last): durations[i] for i in range(1, last) if i not in heads}
    sources = {(0, j): 0 for j in range(1, last) if j not in tails}
    if last == 1:
        sources[0, 1] = 0
    return sources | arcs | sinks
