"""The rows of a chart: which task stands in which lane, and what else is marked there."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from scheduling.models.schedule.arrays import CONSUMABLE, MACHINE, RESERVOIR, ScheduleArrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.report.schedule.hours import Spans, closed_hours, merged, slow_hours
from scheduling.report.schedule.usage import Use

NO_RESOURCE = "no resource"


class JobMark(NamedTuple):
    """A job in time; ``start`` and ``end`` are ``None`` when none of its tasks is placed.

    ``lateness`` is end minus due date (negative when early), ``None`` without a due date.
    """

    id: str
    start: int | None
    end: int | None
    due: int | None
    lateness: int | None


class TaskMark(NamedTuple):
    """A placed task; ``job`` is an index into the chart's jobs.

    ``late_from`` is the moment from which it runs past its job's due date, ``None`` if it does not.
    ``uses`` are pairs of a resource's name and an amount (1 for its machine). ``held`` is when it
    leaves its machine, ``None`` when that is its end; ``setup`` is the time its machine is set up.
    ``pauses`` are the closed times ``(start, end)`` that it lies across.
    """

    id: str
    job: int
    mode: int
    modes: int
    start: int
    end: int
    uses: tuple[tuple[str, int], ...]
    late_from: int | None
    critical: bool
    held: int | None = None
    setup: int = 0
    pauses: Spans = ()


class Span(NamedTuple):
    """A time ``[start, end)`` in the lane of a task, beside the task's own bar."""

    task: int
    lane: int
    start: int
    end: int


class Bar(NamedTuple):
    """Task (index into the chart's tasks) in one lane of a row."""

    task: int
    lane: int


class Row(NamedTuple):
    """A labelled row of lanes.

    Parameters
    ----------
    label
        Name of the resource, job or task.
    kind
        ``"machine"``, ``"pool"`` (a lane is one of its machines; those that no task needs have
        none), ``"renewable"``, ``"disjunction"``, ``"job"``, ``"task"`` or ``"none"`` (tasks that
        use no machine and no renewable resource).
    lanes
        Number of lanes; tasks that overlap in time stand in different lanes.
    bars
        By lane and start. Tasks without duration stand in lane 0 whatever runs there.
    closed
        Times ``[start, end)`` at which the resource has capacity 0.
    job
        Index of the job whose due date belongs to this row.
    holds
        After tasks of blocking jobs: the machine is kept until the job's next task starts.
    setups
        Before tasks: the machine is set up for them.
    pauses
        Inside tasks: they make no progress because something is closed.
    slow
        Times ``[start, end)`` at which work on the resource goes slower than at other times.
    """

    label: str
    kind: str
    lanes: int
    bars: tuple[Bar, ...]
    closed: tuple[tuple[int, int], ...] = ()
    job: int | None = None
    holds: tuple[Span, ...] = ()
    setups: tuple[Span, ...] = ()
    pauses: tuple[Span, ...] = ()
    slow: tuple[tuple[int, int], ...] = ()


def resource_rows(
    problem: ScheduleProblem,
    arrays: ScheduleArrays,
    tasks: tuple[TaskMark, ...],
    uses: list[list[Use]],
    until: int,
) -> tuple[Row, ...]:
    """Make a row of each resource but stocks, and one of the tasks that use none."""
    kinds: list[str] = [resource.type for resource in problem.resources]
    kinds += ["disjunction"] * len(problem.disjunctions)
    hours, slow = closed_hours(problem, until), slow_hours(problem, until)
    rows = []
    without = set(range(len(tasks)))
    for resource, (name, kind) in enumerate(zip(arrays.resource_ids, kinds, strict=True)):
        if arrays.resource_type[resource] in (CONSUMABLE, RESERVOIR):
            continue
        users = [use.task for use in uses[resource]]
        without.difference_update(users)
        machine = arrays.resource_type[resource] == MACHINE
        lanes, bars = pack_lanes(tasks, users, held=bool(machine))
        closed = merged(_closed(arrays.steps(resource), until), hours.get(name, ()))
        row = Row(name, kind, lanes, bars, closed, slow=slow.get(name, ()))
        row = _with_pauses(row, tasks)
        rows.append(_with_spans(row, tasks) if machine else row)
    if without:
        lanes, bars = pack_lanes(tasks, sorted(without))
        rows.append(Row(NO_RESOURCE, "none", lanes, bars))
    return tuple(rows)


def job_rows(jobs: tuple[JobMark, ...], tasks: tuple[TaskMark, ...]) -> tuple[Row, ...]:
    """Make a row of each job; of each task where there is but one job."""
    if len(jobs) == 1:
        return tuple(
            _with_pauses(Row(task.id, "task", 1, (Bar(i, 0),), job=0), tasks)
            for i, task in enumerate(tasks)
        )
    members: list[list[int]] = [[] for _ in jobs]
    for position, task in enumerate(tasks):
        members[task.job].append(position)
    rows = []
    for number, job in enumerate(jobs):
        lanes, bars = pack_lanes(tasks, members[number])
        rows.append(_with_pauses(Row(job.id, "job", lanes, bars, job=number), tasks))
    return tuple(rows)


def _with_pauses(row: Row, tasks: tuple[TaskMark, ...]) -> Row:
    """Add to a row where its tasks pause."""
    found = [
        Span(task, lane, start, end) for task, lane in row.bars for start, end in tasks[task].pauses
    ]
    return row._replace(pauses=tuple(found))


def _with_spans(row: Row, tasks: tuple[TaskMark, ...]) -> Row:
    """Add to a machine's row how long jobs keep it and when it is set up."""
    holds, setups = [], []
    for task, lane in row.bars:
        mark = tasks[task]
        if mark.held is not None:
            holds.append(Span(task, lane, mark.end, mark.held))
        if mark.setup:
            setups.append(Span(task, lane, mark.start - mark.setup, mark.start))
    return row._replace(holds=tuple(holds), setups=tuple(setups))


def _closed(steps: list[tuple[int, int]], until: int) -> tuple[tuple[int, int], ...]:
    ends = [time for time, _ in steps[1:]] + [until]
    return tuple(
        (start, min(end, until))
        for (start, capacity), end in zip(steps, ends, strict=True)
        if capacity == 0 and start < until
    )


def pack_lanes(
    tasks: tuple[TaskMark, ...], members: list[int], *, held: bool = False
) -> tuple[int, tuple[Bar, ...]]:
    """Spread tasks over the fewest lanes in which they do not overlap.

    With ``held`` a task takes its lane until it leaves its machine.

    Taking tasks by start and giving each the lowest free lane needs as many lanes as tasks run at
    the same time at most, which no packing can undercut (colouring of interval graphs).

    Returns
    -------
    tuple
        Number of lanes, at least 1, and the bars by lane and start.
    """
    order = sorted(members, key=lambda task: (tasks[task].start, tasks[task].end, task))
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    lanes, bars = 0, []
    for task in order:
        start, end = tasks[task].start, tasks[task].end
        if held:
            end = tasks[task].held or end
        if start == end:
            bars.append(Bar(task, 0))
            continue
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        else:
            lane, lanes = lanes, lanes + 1
        heappush(busy, (end, lane))
        bars.append(Bar(task, lane))
    bars.sort(key=lambda bar: bar.lane)
    return max(lanes, 1), tuple(bars)
