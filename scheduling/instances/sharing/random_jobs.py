"""Random jobs on a shared cluster: few users with much work, many with little."""

from __future__ import annotations

import numpy as np

from scheduling.models.sharing.problem import SharedCluster, SharedJob, Stage


def shared_cluster(
    *,
    cores: int = 8,
    users: int = 4,
    jobs: int = 20,
    stages: int = 2,
    usage: float = 0.9,
    deviation: float = 1.0,
    seed: int = 0,
) -> SharedCluster:
    """Generate jobs with exponential gaps and lognormal work, of users drawn by Zipf's law.

    Parameters
    ----------
    cores, users, jobs
        Sizes.
    stages
        Most stages of a job; half of the jobs are chains.
    usage
        Work that comes in a second, as a share of what the cores do.
    deviation
        Standard deviation of the logarithm of the work of a stage, 10 core-seconds in the median.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    weight = 1.0 / np.arange(1, users + 1)
    owner = rng.choice(users, jobs, p=weight / weight.sum())
    count = rng.integers(1, stages, jobs, endpoint=True)
    work = [np.round(10.0 * rng.lognormal(0.0, deviation, k), 3) + 0.1 for k in count.tolist()]
    mean = sum(float(part.sum()) for part in work) / jobs / cores / usage
    arrivals = np.round(np.cumsum([0.0, *rng.exponential(mean, jobs - 1)]), 3)
    return SharedCluster(
        name=f"shared-{jobs}x{cores}-s{seed}",
        cores=cores,
        jobs=tuple(
            SharedJob(
                id=f"job-{number:04d}",
                user=f"user-{owner[number]}",
                arrival_seconds=float(arrivals[number]),
                stages=tuple(Stage(core_seconds=float(value)) for value in work[number]),
                chain=bool(rng.random() < 0.5),
            )
            for number in range(jobs)
        ),
    )
