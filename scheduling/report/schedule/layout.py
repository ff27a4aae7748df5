"""What a chart of a schedule shows, before anything is drawn: rows, bars, marks and steps.

Everything here is pure and exact; the renderers in ``figures`` and ``page`` only place it.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from math import isfinite
from typing import Literal, NamedTuple

from scheduling.errors import InputError
from scheduling.models.base import Number
from scheduling.models.schedule.arrays import CONSUMABLE, MACHINE, RESERVOIR, ScheduleArrays
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.schedule.critical import critical_path
from scheduling.report.schedule.hours import Spans, closed_hours, merged, pauses
from scheduling.report.schedule.occupation import held_until, setups_of
from scheduling.report.schedule.placement import Placement, read_placement
from scheduling.report.schedule.sentence import certificate_sentence
from scheduling.report.schedule.usage import Profile, Use, build_profiles, resource_uses

NO_RESOURCE = "no resource"

By = Literal["resource", "job"]
"""What the rows of a chart stand for."""


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


class HistoryPoint(NamedTuple):
    """Best value and bound known after so many seconds."""

    seconds: float
    objective: Number | None
    bound: Number | None


@dataclass(frozen=True)
class ScheduleChart:
    """Everything that is drawn of one schedule.

    Attributes
    ----------
    title : name of the problem.
    sentence : the answer with its certificate.
    jobs, tasks : jobs of the problem, placed tasks in the order of the problem.
    by_resource : one row per machine and renewable resource.
    by_job : one row per job; one per task when the problem has a single job.
    path : critical path through the tasks, first to last.
    profiles, history : resource usage; objective and bound over time.
    seconds : duration of the solve.
    missing : number of tasks that the solution does not place although they must run.
    skipped : number of optional tasks that it leaves out.
    start, end : first and last moment of the schedule; 0 and 0 when it is empty.
    """

    title: str
    sentence: str
    jobs: tuple[JobMark, ...]
    tasks: tuple[TaskMark, ...]
    by_resource: tuple[Row, ...]
    by_job: tuple[Row, ...]
    path: tuple[int, ...]
    profiles: tuple[Profile, ...]
    history: tuple[HistoryPoint, ...]
    seconds: float
    missing: int
    skipped: int
    start: int
    end: int

    @property
    def limits(self) -> tuple[int, int]:
        """Times that a chart should span: the schedule, and due dates not far beyond its end."""
        start = min(self.start, 0)
        reach = self.end + (self.end - start) // 10
        dues = (job.due for job in self.jobs if job.due is not None and job.due <= reach)
        return start, max(self.end, start + 1, *dues)

    def rows(self, by: By) -> tuple[Row, ...]:
        """Return the rows of one view.

        Raises
        ------
        InputError
            When there is no such view.
        """
        views = {"resource": self.by_resource, "job": self.by_job}
        if by not in views:
            raise InputError.single("by", repr(by), "'resource' or 'job'")
        return views[by]

    def colour(self, task: int) -> int:
        """Return the number of a task's colour: its job's, or its own in a problem of one job."""
        return self.tasks[task].job if len(self.jobs) > 1 else task


def build_chart(problem: ScheduleProblem, solution: ScheduleSolution) -> ScheduleChart:
    """Lay out a schedule.

    Raises
    ------
    InputError
        When the solution names tasks or modes that the problem does not have.
    """
    arrays = compile_arrays(problem)
    placement = read_placement(arrays, solution)
    placed = placement.tasks
    number = {task: position for position, task in enumerate(placed)}
    uses = resource_uses(arrays, placement)
    critical = critical_path(arrays, placement, uses)
    names = [resource.id for resource in problem.resources]
    jobs = _job_marks(problem, arrays, placement)
    held = held_until(arrays, placement)
    setups = {
        setup.task: setup.end - setup.start
        for machine in arrays.setups
        for setup in setups_of(arrays, placement, machine, uses[machine], held)
    }
    tasks = tuple(
        mark._replace(
            pauses=pauses(arrays, placement, task),
            held=int(held[task]) if held[task] > placement.end[task] else None,
            setup=setups.get(task, 0),
        )
        for task, mark in zip(
            placed, _task_marks(problem, arrays, placement, critical.tasks), strict=True
        )
    )
    end = max((task.end for task in tasks), default=0)
    renumbered = [[Use(number[use.task], use.amount) for use in users] for users in uses]
    return ScheduleChart(
        title=problem.name or solution.problem or "schedule",
        sentence=certificate_sentence(problem, solution),
        jobs=jobs,
        tasks=tasks,
        by_resource=_resource_rows(problem, arrays, tasks, renumbered, end),
        by_job=_job_rows(jobs, tasks),
        path=tuple(number[task] for task in critical.path),
        profiles=build_profiles(arrays, names, uses, placement, end),
        history=history_points(solution),
        seconds=_known(solution.seconds) or 0.0,
        missing=int((~placement.placed & ~arrays.optional).sum()),
        skipped=int((~placement.placed & arrays.optional).sum()),
        start=min((task.start for task in tasks), default=0),
        end=end,
    )


def history_points(solution: ScheduleSolution) -> tuple[HistoryPoint, ...]:
    """Return objective and bound over time; values that are not finite count as unknown."""
    return tuple(
        HistoryPoint(seconds, _known(objective), _known(bound))
        for seconds, objective, bound in solution.history
        if isfinite(seconds)
    )


def _known(value: Number | None) -> Number | None:
    return value if value is not None and isfinite(value) else None


def _job_marks(
    problem: ScheduleProblem, arrays: ScheduleArrays, placement: Placement
) -> tuple[JobMark, ...]:
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for task in placement.tasks:
        owner = int(arrays.job[task])
        start, end = int(placement.start[task]), int(placement.end[task])
        starts[owner] = min(start, starts.get(owner, start))
        ends[owner] = max(end, ends.get(owner, end))
    marks = []
    for number, job in enumerate(problem.jobs):
        done = ends.get(number)
        lateness = None if done is None or job.due is None else done - job.due
        marks.append(JobMark(job.id, starts.get(number), done, job.due, lateness))
    return tuple(marks)


def _task_marks(
    problem: ScheduleProblem,
    arrays: ScheduleArrays,
    placement: Placement,
    critical: frozenset[int],
) -> tuple[TaskMark, ...]:
    names = arrays.resource_ids
    marks = []
    for task in placement.tasks:
        job, mode = int(arrays.job[task]), int(placement.mode[task])
        start, end = int(placement.start[task]), int(placement.end[task])
        machine = int(arrays.machine[mode])
        uses = [(names[resource], amount) for resource, amount in arrays.demands(mode)]
        due = problem.jobs[job].due
        marks.append(
            TaskMark(
                id=arrays.task_ids[task],
                job=job,
                mode=mode - int(arrays.mode_ptr[task]),
                modes=int(arrays.mode_ptr[task + 1] - arrays.mode_ptr[task]),
                start=start,
                end=end,
                uses=tuple(uses if machine < 0 else [(names[machine], 1), *uses]),
                late_from=None if due is None or end <= due else max(start, due),
                critical=task in critical,
            )
        )
    return tuple(marks)


def _resource_rows(
    problem: ScheduleProblem,
    arrays: ScheduleArrays,
    tasks: tuple[TaskMark, ...],
    uses: list[list[Use]],
    until: int,
) -> tuple[Row, ...]:
    kinds: list[str] = [resource.type for resource in problem.resources]
    kinds += ["disjunction"] * len(problem.disjunctions)
    hours = closed_hours(problem, until)
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
        row = _with_pauses(Row(name, kind, lanes, bars, closed), tasks)
        rows.append(_with_spans(row, tasks) if machine else row)
    if without:
        lanes, bars = pack_lanes(tasks, sorted(without))
        rows.append(Row(NO_RESOURCE, "none", lanes, bars))
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


def _job_rows(jobs: tuple[JobMark, ...], tasks: tuple[TaskMark, ...]) -> tuple[Row, ...]:
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
