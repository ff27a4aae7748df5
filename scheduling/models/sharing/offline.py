"""The offline problem of a shared cluster: everything is known from the start."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.schedule.objective import Objective, Term, Tier
from scheduling.models.schedule.problem import Job, Mode, Pool, Precedence, ScheduleProblem, Task
from scheduling.models.sharing.problem import SharedCluster, SharedJob, microseconds

CORES = "cores"
"""Pool of cores in the offline problem."""


def task_name(job: str, stage: int, task: int) -> str:
    """Name of a task in the offline problem; stages and tasks count from 1."""
    return f"{job}.{stage}.{task}"


def barrier_name(job: str, stage: int) -> str:
    """Name of the task of no duration that stands for the end of a stage of a chain."""
    return f"{job}.{stage} ended"


def offline(problem: SharedCluster) -> ScheduleProblem:
    """Return the offline problem: least sum of response times, in microseconds.

    A run of any policy that starts tasks as they come is a solution of it, and its optimum is that
    of a scheduler who knows all jobs from the start.
    """
    return ScheduleProblem(
        name=problem.name,
        resources=(Pool(id=CORES, count=problem.cores),),
        jobs=tuple(_job(problem, job) for job in problem.jobs),
        precedences=tuple(p for job in problem.jobs if job.chain for p in _order(problem, job)),
        objective=Objective(tiers=(Tier(terms=(Term(measure="total_flow"),)),)),
    )


def _job(problem: SharedCluster, job: SharedJob) -> Job:
    tasks = []
    for number, stage in enumerate(job.stages, start=1):
        for k, duration in enumerate(problem.durations(stage), start=1):
            modes = (Mode(duration=duration, machine=CORES),)
            tasks.append(Task(id=task_name(job.id, number, k), modes=modes))
        if job.chain and number < len(job.stages):
            tasks.append(Task(id=barrier_name(job.id, number), modes=(Mode(duration=0),)))
    return Job(id=job.id, release=microseconds(job.arrival_seconds), tasks=tuple(tasks))


def _order(problem: SharedCluster, job: SharedJob) -> Iterator[Precedence]:
    """Yield the ties between stages: all tasks of one, its end, all tasks of the next."""
    for number, stage in enumerate(job.stages, start=1):
        for k in range(1, problem.tasks(stage) + 1):
            name = task_name(job.id, number, k)
            if number > 1:
                yield Precedence(before=barrier_name(job.id, number - 1), after=name)
            if number < len(job.stages):
                yield Precedence(before=name, after=barrier_name(job.id, number))
