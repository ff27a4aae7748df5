"""Jobs of several users on the cores of one cluster, as data engines such as Spark run them."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

MICROSECONDS = 10**6
"""Units of time of a second in schedules of a cluster."""

MOST_SECONDS = 10**5
"""Largest arrival and largest work of a stage, in seconds and core-seconds."""

MOST_TASKS = 10**6
"""Most tasks of all jobs together."""

_LONGEST_NAME = 380
"""Tasks are named by their job and two numbers, and names have at most 400 characters."""


class Stage(Frozen):
    """Tasks of equal size that may run side by side, each on one core without interruption."""

    core_seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = Field(
        description="Work of the stage: seconds that it takes on one core."
    )
    tasks: Annotated[int, Field(ge=1, le=MOST_TASKS)] | None = Field(
        default=None, description="Tasks that share its work; none: as many as there are cores."
    )


class SharedJob(Frozen):
    """A user's job; it completes when the last task of its last stage ends."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_NAME)]
    user: Name
    arrival_seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS)] = 0.0
    stages: Many[Stage]
    chain: bool = Field(
        default=False,
        description="Each stage starts only when the one before has ended; otherwise all stages "
        "may run side by side.",
    )

    @property
    def core_seconds(self) -> float:
        """Work of all its stages."""
        return sum(stage.core_seconds for stage in self.stages)


class SharedCluster(Problem):
    """Jobs that come over time to identical cores; minimise the sum of their response times.

    The response time of a job is its completion less its arrival. Tasks are not interrupted and
    need one core each; which core does not matter.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["sharing"] = "sharing"
    cores: Annotated[int, Field(ge=1, le=10**6)]
    jobs: Annotated[Many[SharedJob], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("jobs", (job.id for job in self.jobs))
        count = 0
        for number, job in enumerate(self.jobs):
            if not job.stages:
                yield Fault(f"jobs[{number}].stages", "none", "at least one stage")
            for k, stage in enumerate(job.stages):
                tasks = self.tasks(stage)
                count += tasks
                if microseconds(stage.core_seconds) < tasks:
                    found = f"{stage.core_seconds} core-seconds in {tasks} tasks"
                    yield Fault(f"jobs[{number}].stages[{k}]", found, "at least 1 us a task")
        if count > MOST_TASKS:
            yield Fault("jobs", f"{count} tasks", f"at most {MOST_TASKS}")

    def tasks(self, stage: Stage) -> int:
        """Return the number of tasks of a stage."""
        return self.cores if stage.tasks is None else stage.tasks

    def durations(self, stage: Stage) -> list[int]:
        """Duration of each task of a stage in microseconds: its work, spread evenly."""
        count = self.tasks(stage)
        each, more = divmod(microseconds(stage.core_seconds), count)
        return [each + (k < more) for k in range(count)]


def microseconds(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return round(seconds * MICROSECONDS)


def partitioned(problem: SharedCluster, task_seconds: float = 0.5) -> SharedCluster:
    """Return the problem with every stage cut into tasks of about one length.

    Runtime partitioning of UWFQ (arXiv 2510.15485): ``ceil(work / task_seconds)`` tasks, so that a
    core that runs a long job is free for others soon.

    Parameters
    ----------
    problem
        What to cut.
    task_seconds
        Longest task, in seconds.
    """
    jobs = tuple(
        job.model_copy(
            update={
                "stages": tuple(
                    stage.model_copy(update={"tasks": ceil(stage.core_seconds / task_seconds)})
                    for stage in job.stages
                )
            }
        )
        for job in problem.jobs
    )
    return SharedCluster(name=problem.name, cores=problem.cores, jobs=jobs)


def scaled(problem: SharedCluster, factor: float) -> SharedCluster:
    """Return the problem with the work of every stage times a factor, tasks as they are.

    Parameters
    ----------
    problem
        What to scale.
    factor
        Such as the ratio of a real cluster's core-seconds to those that a file states.
    """
    jobs = tuple(
        job.model_copy(
            update={
                "stages": tuple(
                    stage.model_copy(update={"core_seconds": stage.core_seconds * factor})
                    for stage in job.stages
                )
            }
        )
        for job in problem.jobs
    )
    return SharedCluster(name=problem.name, cores=problem.cores, jobs=jobs)
