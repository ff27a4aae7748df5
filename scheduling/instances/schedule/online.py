"""What time brings: arrivals and noise of durations, drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.base import Problem
from scheduling.models.schedule.online import OnlineSchedule, as_online


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
    return _changed(online, expected=expected, jobs=tuple(jobs))


def _changed(online: OnlineSchedule, *, jobs: tuple[Any, ...], **more: Any) -> OnlineSchedule:
    truth = online.truth.model_copy(update={"jobs": jobs})
    return online.model_copy(update={"truth": truth, **more})
