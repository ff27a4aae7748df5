"""Training as schedules: post-training with stale weights, sequences on groups of ranks."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from scheduling.models.schedule.problem import ScheduleProblem

STAGES = ("rollout", "reference", "reward", "update")
"""Stages of a step of reinforcement learning, each on machines of its own."""


def post_training(
    *,
    iterations: int = 3,
    batches: int = 6,
    stages: int = 4,
    staleness: int = 1,
    mean: int = 100,
    deviation: float = 0.4,
    streams: int = 1,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate steps of post-training as a flow shop with a bound on stale weights (AsyncFlow).

    Each micro-batch is a job that goes through the stages. The weights of a step are there when all
    its updates have ended; rollouts of step t need those of step ``t - 1 - staleness``.

    Parameters
    ----------
    iterations, batches
        Steps, and micro-batches of each.
    stages
        How many of rollout, reference, reward and update, the last one among them.
    staleness
        Steps that the weights of rollouts may be behind; 0: on policy.
    mean, deviation
        Durations are lognormal with this mean and standard deviation of the logarithm in the first
        stage; the other stages take the mean.
    streams
        1: a micro-batch goes on to the next stage as soon as it is done; 0: only when its whole
        step is, as in systems that separate tasks.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    names = STAGES[: stages - 1] + STAGES[-1:]
    jobs: list[dict[str, Any]] = []
    ties: list[dict[str, Any]] = []
    for step in range(iterations):
        drawn = mean * rng.lognormal(-(deviation**2) / 2, deviation, batches)
        for batch in range(batches):
            job = f"step {step} batch {batch}"
            times = [max(1, round(float(drawn[batch]))), *[mean] * (len(names) - 1)]
            tasks = [
                {"id": f"{job} {name}", "modes": [{"duration": duration, "machine": name}]}
                for name, duration in zip(names, times, strict=True)
            ]
            jobs.append({"id": job, "tasks": tasks, "chain": True})
        waits = names if not streams else names[-1:]
        for name in waits:
            end = f"step {step} {name} ended"
            jobs.append({"id": end, "tasks": [{"id": end, "modes": [{"duration": 0}]}]})
            for batch in range(batches):
                ties.append({"before": f"step {step} batch {batch} {name}", "after": end})
                follower = _follower(names, name, step, batch, staleness, iterations)
                if follower is not None:
                    ties.append({"before": end, "after": follower})
    return ScheduleProblem.model_validate(
        {
            "name": f"post-training-{iterations}x{batches}-s{seed}",
            "resources": [{"type": "machine", "id": name} for name in names],
            "jobs": jobs,
            "precedences": ties,
            "objective": "makespan",
        }
    )


def _follower(
    names: tuple[str, ...], name: str, step: int, batch: int, staleness: int, steps: int
) -> str | None:
    """Return the task of a micro-batch that waits until a stage of a step has ended."""
    if name != names[-1]:
        return f"step {step} batch {batch} {names[names.index(name) + 1]}"
    later = step + 1 + staleness
    return f"step {later} batch {batch} {names[0]}" if later < steps else None


def sequence_groups(
    *,
    sequences: int = 200,
    ranks: int = 16,
    chunk: int = 8192,
    mean: int = 1500,
    deviation: float = 1.4,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate sequences that each take as many ranks as their memory needs (ByteScale's HDP).

    A sequence of S tokens needs ``ceil(S / chunk)`` ranks and ``S + S^2 / (4 chunk)`` units of
    work, which its ranks share. The makespan is the time of a step.

    Parameters
    ----------
    sequences, ranks
        Sizes.
    chunk
        Tokens that fit into the memory of a rank.
    mean, deviation
        Median of the lognormal lengths, and standard deviation of their logarithm; lengths are at
        most what all ranks hold.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = mean * rng.lognormal(0.0, deviation, sequences)
    lengths = np.clip(np.rint(drawn), 1, chunk * ranks).astype(int).tolist()
    return groups_of(lengths, ranks, chunk, name=f"sequences-{sequences}x{ranks}-s{seed}")


def groups_of(
    lengths: list[int], ranks: int, chunk: int, name: str | None = None
) -> ScheduleProblem:
    """Return the schedule of sequences with these lengths on groups of ranks.

    Parameters
    ----------
    lengths
        Tokens of each sequence, none above ``ranks * chunk``.
    ranks, chunk
        As of :func:`sequence_groups`.
    name
        Name of the problem.
    """
    jobs = []
    for number, length in enumerate(lengths):
        needs = ceil(length / chunk)
        duration = max(1, ceil((length + length * length / (4 * chunk)) / needs))
        task = {
            "id": f"sequence {number}",
            "modes": [{"duration": duration, "demands": {"ranks": needs}}],
        }
        jobs.append({"id": f"sequence {number}", "tasks": [task]})
    return ScheduleProblem.model_validate(
        {
            "name": name,
            "resources": [{"type": "renewable", "id": "ranks", "capacity": ranks}],
            "jobs": jobs,
            "objective": "makespan",
        }
    )
