"""What a chart of a schedule shows, before anything is drawn: rows, bars, marks and steps.

Everything here is pure and exact; the renderers in ``figures`` and ``page`` only place it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, NamedTuple

from scheduling.errors import InputError
from scheduling.models.base import Number
from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.schedule.critical import critical_path
from scheduling.report.schedule.hours import pauses
from scheduling.report.schedule.occupation import held_until, setups_of
from scheduling.report.schedule.placement import Placement, read_placement
from scheduling.report.schedule.rows import JobMark, Row, TaskMark, job_rows, resource_rows
from scheduling.report.schedule.sentence import certificate_sentence
from scheduling.report.schedule.usage import Profile, Use, build_profiles, resource_uses

By = Literal["resource", "job"]
"""What the rows of a chart stand for."""


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
        by_resource=resource_rows(problem, arrays, tasks, renumbered, end),
        by_job=job_rows(jobs, tasks),
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
