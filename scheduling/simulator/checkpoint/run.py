"""One training run: steps, copies, failures and recoveries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.checkpoint.problem import CheckpointPlan, CheckpointProblem


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What came out of a run.

    Parameters
    ----------
    seconds
        How long it took.
    steps
        Steps that stay.
    failures
        How often it failed, in recoveries too.
    waste
        Share of the time in which no step was made that stays.
    """

    seconds: float
    steps: int
    failures: int
    waste: float


def simulate_checkpoints(
    problem: CheckpointProblem, plan: CheckpointPlan, *, failures: int = 50_000, seed: int = 0
) -> TrainingRun:
    """Run until so many failures have come.

    Between failures all segments are equal but each ``every``-th, so that a run goes from failure
    to failure in one step.

    Parameters
    ----------
    problem
        Rates and times.
    plan
        When copies are taken.
    failures
        Failures after which the run ends; its relative error falls with their square root.
    seed
        Seed of the failures.
    """
    rng = np.random.default_rng(seed)
    first, last = problem.levels[0], problem.levels[-1]
    two = len(problem.levels) == 2
    work = plan.steps * problem.step_seconds
    short = work + first.stall_seconds
    long = short + (last.stall_seconds if two else 0.0)
    mean = problem.mean_seconds_between_failures
    seconds, saved, since, count = 0.0, 0, 0, 0
    while count < failures:
        left = float(rng.exponential(mean))
        seconds += left
        count += 1
        ahead = plan.every - 1 - since
        if left < ahead * short:
            done = int(left // short)
        elif left < ahead * short + long:
            done = ahead
        else:
            left -= ahead * short + long
            cycle = (plan.every - 1) * short + long
            cycles = int(left // cycle)
            done = ahead + 1 + cycles * plan.every
            done += min(int((left - cycles * cycle) // short), plan.every - 1)
        since += done
        saved += since // plan.every * plan.every
        since %= plan.every
        covered = two and rng.random() < first.covers
        restart = first.restart_seconds if covered else last.restart_seconds
        if not covered:
            since = 0
        again = float(rng.exponential(mean))
        while again < restart:
            seconds += again
            count += 1
            again = float(rng.exponential(mean))
        seconds += restart
    steps = (saved + since) * plan.steps
    return TrainingRun(seconds, steps, count, 1.0 - steps * problem.step_seconds / seconds)
