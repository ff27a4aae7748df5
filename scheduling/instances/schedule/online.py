"""What time brings: arrivals, noise of durations and stops of machines, drawn at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.schedule.random_shops import check_count, job_shop
from scheduling.models.base import Problem
from scheduling.models.schedule.online import OnlineSchedule, as_online
from scheduling.models.schedule.problem import Break, Calendar, Machine, ScheduleProblem, Task


def with_arrivals(problem: Problem, *, gap: float, seed: int = 0) -> OnlineSchedule:
    """Let the jobs come one after the other with exponential gaps, the first at 0.

    Parameters
    ----------
    problem
        An online schedule, or a scheduling problem. Its jobs keep their order; a release that a
        job has stays where it is later.
    gap
        Mean time between two jobs.
    seed
        Seed of the random numbers.
    """
    online = as_online(problem)
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(gap, len(online.truth.jobs) - 1)
    comings = np.rint(np.cumsum([0.0, *gaps])).astype(int).tolist()
    jobs = [
        job.model_copy(update={"release": max(job.release, coming)})
        for job, coming in zip(online.truth.jobs, comings, strict=True)
    ]
    return _changed(online, jobs=tuple(jobs))


def with_noise(problem: Problem, *, noise: float, seed: int = 0) -> OnlineSchedule:
    """Let actual durations deviate from the expected ones, which are those of the problem so far.

    Each mode's actual duration is its expected one times a lognormal factor of mean 1, rounded and
    at least 1 where the expected one is.

    Parameters
    ----------
    problem
        An online schedule, or a scheduling problem.
    noise
        Standard deviation of the factor's logarithm: 0.2 is about 20 percent.
    seed
        Seed of the random numbers.
    """
    online = as_online(problem)
    rng = np.random.default_rng(seed)
    expected = dict(online.expected)
    jobs = []
    for job in online.truth.jobs:
        tasks = []
        for task in job.tasks:
            known = expected.setdefault(task.id, tuple(mode.duration for mode in task.modes))
            factors = rng.lognormal(-noise * noise / 2, noise, len(known)).tolist()
            modes = [
                mode.model_copy(update={"duration": max(min(d, 1), round(d * factor))})
                for mode, d, factor in zip(task.modes, known, factors, strict=True)
            ]
            tasks.append(task.model_copy(update={"modes": tuple(modes)}))
        jobs.append(job.model_copy(update={"tasks": tuple(tasks)}))
    return _changed(online, jobs=tuple(jobs)).model_copy(update={"expected": expected})


def with_stops(
    problem: Problem, *, between: float, repair: float, share: float = 1.0, seed: int = 0
) -> OnlineSchedule:
    """Let machines stop at random; work pauses and goes on after the repair.

    Times of work and of repair alternate on each machine, both exponential, rounded up; they reach
    as far as one machine that did all the work after the last release.

    Parameters
    ----------
    problem
        An online schedule, or a scheduling problem whose machines have no calendars.
    between
        Mean time from the end of a stop to the begin of the next.
    repair
        Mean length of a stop.
    share
        Probability of a machine to stop at all.
    seed
        Seed of the random numbers.

    Raises
    ------
    InputError
        When a machine has a calendar, or there would be too many stops.
    """
    online = as_online(problem)
    truth = online.truth
    end = _reach(truth)
    machines = [resource for resource in truth.resources if isinstance(resource, Machine)]
    bound = [machine.id for machine in machines if machine.calendar is not None]
    if bound:
        raise InputError.single("resources", f"machine {bound[0]!r} with a calendar", "none")
    count = math.ceil(len(machines) * share * end / max(1.0, between + repair))
    check_count("between", f"about {count} stops", count)
    rng = np.random.default_rng(seed)
    calendars, stopping = list(truth.calendars), set()
    for machine in machines:
        stops = _stops(rng, between, repair, end) if rng.random() < share else ()
        if stops:
            calendars.append(Calendar(id=f"stops of {machine.id}", breaks=stops))
            stopping.add(machine.id)
    resources = tuple(
        resource.model_copy(update={"calendar": f"stops of {resource.id}"})
        if resource.id in stopping
        else resource
        for resource in truth.resources
    )
    jobs = tuple(
        job.model_copy(update={"tasks": tuple(_pausing(task, stopping) for task in job.tasks)})
        for job in truth.jobs
    )
    return _changed(online, jobs=jobs, calendars=tuple(calendars), resources=resources)


def online_job_shop(
    *,
    jobs: int = 10,
    machines: int = 5,
    shortest: int = 1,
    longest: int = 99,
    gap: float = 0.0,
    noise: float = 0.2,
    between: float = 500.0,
    repair: float = 50.0,
    downtime: float = 0.5,
    seed: int = 0,
) -> OnlineSchedule:
    """Generate a job shop revealed in time, with noise, stops and arrivals.

    Parameters
    ----------
    jobs, machines
        Size.
    shortest, longest
        Expected durations are uniform between them, both included.
    gap
        Mean time between two jobs; 0: all are there at the start.
    noise
        Standard deviation of the logarithm of actual over expected durations.
    between, repair
        Mean time between stops of a machine, and of a stop.
    downtime
        Probability of a machine to stop at all.
    seed
        Seed of the random numbers.
    """
    shop = job_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    online = with_arrivals(shop, gap=gap, seed=seed) if gap else as_online(shop)
    noisy = with_noise(online, noise=noise, seed=seed)
    return with_stops(noisy, between=between, repair=repair, share=downtime, seed=seed)


def _changed(online: OnlineSchedule, **fields: Any) -> OnlineSchedule:
    truth = online.truth.model_copy(update=fields)
    return online.model_copy(update={"truth": truth})


def _reach(truth: ScheduleProblem) -> int:
    work = sum(max(mode.duration for mode in task.modes) for task in truth.tasks)
    return max(job.release for job in truth.jobs) + work


def _stops(rng: np.random.Generator, between: float, repair: float, end: int) -> tuple[Break, ...]:
    found: list[Break] = []
    moment = 0
    while True:
        begin = moment + max(1, math.ceil(rng.exponential(between)))
        if begin >= end:
            return tuple(found)
        moment = begin + max(1, math.ceil(rng.exponential(repair)))
        found.append(Break(start=begin, end=moment))


def _pausing(task: Task, stopping: set[str]) -> Task:
    if any(mode.machine in stopping for mode in task.modes):
        return task.model_copy(update={"interruptible": True})
    return task
