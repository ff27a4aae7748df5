"""``simulate`` on a shared cluster: policies side by side, with lag, fairness and bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from scheduling.models.base import Number
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.sharing.fluid import fluid_completions
from scheduling.models.sharing.offline import offline
from scheduling.models.sharing.problem import MICROSECONDS, SharedCluster, microseconds
from scheduling.simulator.schedule.certifying import rebounded, stated
from scheduling.simulator.sharing.engine import Engine
from scheduling.simulator.sharing.policy import SharingPolicy
from scheduling.simulator.sharing.registry import POLICIES
from scheduling.simulator.sharing.registry import policy as make_policy
from scheduling.simulator.side_by_side import MOMENT, chosen, run_each, unless_stopped
from scheduling.solvers.driver import check_limits, solve

DEFAULT_TIME_LIMIT = 10.0
LARGEST_SOLVED = 2000
"""Most tasks of an offline problem that is solved unless a limit is named."""


@dataclass(frozen=True, slots=True)
class SharingRun:
    """What one policy did.

    Parameters
    ----------
    policy
        The policy.
    solution
        Its schedule, a solution of the offline problem in microseconds; ``gap`` bounds how far its
        sum of response times is from that of any scheduler, as a share of itself.
    response_seconds
        Response time of each job, in the order of the problem.
    lag_seconds
        Completion of each job less that in the fluid reference with equal users; negative when it
        completes before.
    """

    policy: SharingPolicy
    solution: ScheduleSolution
    response_seconds: tuple[float, ...]
    lag_seconds: tuple[float, ...]

    @property
    def mean_seconds(self) -> float:
        """Mean response time."""
        return fmean(self.response_seconds)

    def percentile_seconds(self, percent: float) -> float:
        """Response time that this percentage of jobs does not exceed (linear between jobs)."""
        return float(np.percentile(self.response_seconds, percent))


@dataclass(frozen=True, slots=True)
class SharingComparison:
    """Policies on one shared cluster.

    Parameters
    ----------
    problem
        What was run.
    runs
        One a policy, in the order in which they were asked for.
    bound_seconds
        Mean response time that no scheduler beats, even one who knows all jobs from the start.
    lag_limit_seconds
        Work of the largest job over the cores: lag that fair queuing allows a job, exactly where
        each stage has as many equal tasks as there are cores and no later job of a user overtakes
        an earlier one.
    """

    problem: SharedCluster
    runs: tuple[SharingRun, ...]
    bound_seconds: float | None
    lag_limit_seconds: float


def simulate_sharing(
    problem: SharedCluster,
    policy: str | SharingPolicy | Sequence[str | SharingPolicy] = POLICIES,
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    on_run: Callable[[SharingRun], None] | None = None,
) -> SharingComparison:
    """Run policies on a shared cluster and bound how far each is from the best mean response.

    Parameters
    ----------
    problem
        The cluster and its jobs.
    policy
        Policies by name (see :data:`~scheduling.simulator.sharing.registry.POLICIES`) or as
        objects, one or several.
    time_limit, work_limit, workers, seed
        As of :func:`~scheduling.solvers.driver.solve`, for the offline problem. Without limits it
        gets 10 seconds when it has at most :data:`LARGEST_SOLVED` tasks; of larger ones the bounds
        by formula count: shortest remaining work first on cores that can be split at will.
    on_run
        Called after each policy, before the offline problem is solved.

    Returns
    -------
    SharingComparison
        Every schedule has passed the independent check as a solution of the offline problem.

    Raises
    ------
    InputError
        When no policy is named.
    UnsupportedError
        When there is no such policy.
    StoppedComparisonError
        When the keyboard interrupts the runs after the first has ended, with the comparison of
        those that had.
    CheckError
        When a schedule fails the independent check (a defect of the library).

    Examples
    --------
    >>> from scheduling.models.sharing.problem import SharedCluster
    >>> cluster = SharedCluster.model_validate(
    ...     {
    ...         "cores": 2,
    ...         "jobs": [
    ...             {"id": "long", "user": "ann", "stages": [{"core_seconds": 8, "tasks": 8}]},
    ...             {"id": "short", "user": "bob", "stages": [{"core_seconds": 2}]},
    ...         ],
    ...     }
    ... )
    >>> found = simulate_sharing(cluster, ["fifo", "uwfq"], work_limit=5, workers=1)
    >>> [run.mean_seconds for run in found.runs], found.bound_seconds
    ([4.5, 3.0], 3.0)
    """
    check_limits(time_limit, work_limit, workers, seed)
    policies = chosen(policy, make_policy)
    truth = offline(problem)
    floors = _floors(truth)
    reference = fluid_completions(problem)
    runs = run_each(policies, lambda entry: _run(problem, truth, entry, floors, reference), on_run)
    stopped = len(runs) < len(policies)
    unlimited = time_limit is None and work_limit is None
    if not unlimited or len(truth.tasks) <= LARGEST_SOLVED:
        if unlimited:
            time_limit = DEFAULT_TIME_LIMIT
        answer: ScheduleSolution = solve(
            truth,
            time_limit=MOMENT if stopped else time_limit,
            work_limit=None if stopped else work_limit,
            workers=workers,
            seed=seed,
            hint=min(runs, key=lambda run: run.mean_seconds).solution,
        )
        floors = [tier.bound for tier in answer.tiers] or floors
    bound = floors[0]
    jobs = len(problem.jobs)
    comparison = SharingComparison(
        problem=problem,
        runs=tuple(_bounded(truth, run, floors) for run in runs),
        bound_seconds=None if bound is None else bound / jobs / MICROSECONDS,
        lag_limit_seconds=max(job.core_seconds for job in problem.jobs) / problem.cores,
    )
    return unless_stopped(comparison, runs, len(policies))


def run_sharing(problem: SharedCluster, policy: SharingPolicy) -> tuple[float, ...]:
    """Return the response time of each job under a policy, in seconds, without check and bound.

    Parameters
    ----------
    problem
        The cluster and its jobs.
    policy
        Ranks the stages that wait.
    """
    engine = Engine(problem, policy)
    engine.run()
    return _responses(problem, engine)


def _responses(problem: SharedCluster, engine: Engine) -> tuple[float, ...]:
    return tuple(
        (end - microseconds(job.arrival_seconds)) / MICROSECONDS
        for job, end in zip(problem.jobs, engine.completed, strict=True)
    )


def _floors(truth: ScheduleProblem) -> Sequence[Number | None]:
    """Return the bounds by formula; jobs on cores never contradict each other."""
    return formula_bounds(compile_arrays(truth)) or [None]


def _run(
    problem: SharedCluster,
    truth: ScheduleProblem,
    policy: SharingPolicy,
    floors: Sequence[Number | None],
    reference: Sequence[float],
) -> SharingRun:
    began = time.monotonic()
    engine = Engine(problem, policy)
    engine.run()
    seconds = time.monotonic() - began
    solution = stated(truth, policy.name, engine.started, seconds, floors)
    responses = _responses(problem, engine)
    rows = zip(problem.jobs, responses, reference, strict=True)
    lags = tuple(job.arrival_seconds + took - fluid for job, took, fluid in rows)
    return SharingRun(policy, solution, responses, lags)


def _bounded(
    truth: ScheduleProblem, run: SharingRun, floors: Sequence[Number | None]
) -> SharingRun:
    return replace(run, solution=rebounded(truth, run.solution, floors))
