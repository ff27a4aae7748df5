"""``simulate`` on tasks for edge and cloud: policies side by side, with certified utility."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scheduling.models.base import Number, relative_gap
from scheduling.models.edge.offline import IN_CLOUD, ON_EDGE, most_utility, offline
from scheduling.models.edge.problem import EdgeCloud
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.simulator.edge.registry import POLICIES
from scheduling.simulator.edge.registry import policy as make_policy
from scheduling.simulator.edge.world import EdgePolicy, Placed, World
from scheduling.simulator.schedule.certifying import rebounded, stated
from scheduling.simulator.side_by_side import MOMENT, chosen, run_each, unless_stopped
from scheduling.solvers.driver import check_limits, solve
from scheduling.solvers.edge.preemptive import preemptive_bound

DEFAULT_TIME_LIMIT = 10.0
_ASKS = 20
"""Steps of the program of the bound for each unit of work."""


@dataclass(frozen=True, slots=True)
class EdgeRun:
    """What one policy did.

    Parameters
    ----------
    policy
        The policy.
    solution
        Its results in time, a solution of the offline problem.
    utility
        What it earned; runs that ended late are paid for.
    on_edge, in_cloud, late, dropped, stolen
        Number of tasks that ended in time on the edge and in the cloud, that ended late, that did
        not run, and that the edge took from those that waited for the cloud.
    gap
        Distance from the largest utility that may exist, relative; ``None`` without a bound.
    """

    policy: EdgePolicy
    solution: ScheduleSolution
    utility: int
    on_edge: int
    in_cloud: int
    late: int
    dropped: int
    stolen: int
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class EdgeComparison:
    """Policies on one stream of tasks.

    Parameters
    ----------
    problem
        What was run.
    runs
        One a policy, in the order in which they were asked for.
    offline
        The best schedule of the offline problem, whose objective is what is lost of the largest
        utilities of all tasks.
    utility, bound
        Utility of that schedule, and utility that no scheduler exceeds; ``None`` when unknown.
    """

    problem: EdgeCloud
    runs: tuple[EdgeRun, ...]
    offline: ScheduleSolution
    utility: int | None
    bound: int | None


def simulate_edge(
    problem: EdgeCloud,
    policy: str | EdgePolicy | Sequence[str | EdgePolicy] = POLICIES,
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    on_run: Callable[[EdgeRun], None] | None = None,
) -> EdgeComparison:
    """Run policies on tasks for edge and cloud and bound what each of them loses.

    Parameters
    ----------
    problem
        The tasks.
    policy
        Policies by name (see :data:`~scheduling.simulator.edge.registry.POLICIES`) or as objects,
        one or several.
    time_limit
        Seconds for the offline problem, half of them for the bound of an edge that may interrupt
        its tasks; default: 10 without a ``work_limit``.
    work_limit, workers, seed
        As of :func:`~scheduling.solvers.driver.solve`, for the offline problem.
    on_run
        Called after each policy, before the offline problem is solved.

    Returns
    -------
    EdgeComparison
        The results in time of every run have passed the independent check as a solution of the
        offline problem.

    Raises
    ------
    InputError
        When no policy is named.
    UnsupportedError
        When there is no such policy.
    PolicyError
        When a policy decides twice on a task.
    StoppedComparisonError
        When the keyboard interrupts the runs after the first has ended, with the comparison of
        those that had.
    CheckError
        When a schedule fails the independent check (a defect of the library).
    """
    check_limits(time_limit, work_limit, workers, seed)
    policies = chosen(policy, make_policy)
    truth = offline(problem)
    floors = formula_bounds(compile_arrays(truth)) or [None]
    runs = run_each(policies, lambda entry: _run(problem, truth, entry, floors), on_run)
    if len(runs) < len(policies):
        time_limit, work_limit = MOMENT, None
    elif time_limit is None and work_limit is None:
        time_limit = DEFAULT_TIME_LIMIT
    most = most_utility(problem)
    half = None if time_limit is None else time_limit / 2
    asks = None if work_limit is None else max(1, round(work_limit * _ASKS))
    relaxed = preemptive_bound(problem, seconds=half, work=asks, seed=seed)
    answer: ScheduleSolution = solve(
        truth,
        time_limit=half,
        work_limit=work_limit,
        workers=workers,
        seed=seed,
        hint=max(runs, key=lambda run: run.utility).solution,
    )
    known = [*(tier.bound for tier in answer.tiers), None if relaxed is None else most - relaxed]
    least = max((floor for floor in (*floors, *known) if floor is not None), default=None)
    bound = None if least is None else most - int(least)
    lost = answer.tiers[0].objective if answer.tiers else None
    comparison = EdgeComparison(
        problem=problem,
        runs=tuple(_bounded(truth, run, [least], bound) for run in runs),
        offline=answer,
        utility=None if lost is None else most - int(lost),
        bound=bound,
    )
    return unless_stopped(comparison, runs, len(policies))


def _run(
    problem: EdgeCloud,
    truth: ScheduleProblem,
    policy: EdgePolicy,
    floors: Sequence[Number | None],
) -> EdgeRun:
    began = time.monotonic()
    world = World(problem, policy)
    world.run()
    kept = [run for run in world.placed if run.in_time]
    late = [run for run in world.placed if not run.in_time]
    tasks = tuple(
        ScheduledTask(
            task=run.item.task.id,
            mode=IN_CLOUD if run.cloud else ON_EDGE,
            start=run.start,
            end=run.end,
        )
        for run in kept
    )
    earned = sum(run.item.cloud_gain if run.cloud else run.item.edge_gain for run in kept)
    return EdgeRun(
        policy=policy,
        solution=stated(truth, policy.name, tasks, time.monotonic() - began, floors),
        utility=earned - sum(_cost(run) for run in late),
        on_edge=sum(not run.cloud for run in kept),
        in_cloud=sum(run.cloud for run in kept),
        late=len(late),
        dropped=len(problem.tasks) - len(kept) - len(late),
        stolen=world.stolen,
    )


def _cost(run: Placed) -> int:
    return run.item.model.cloud_cost if run.cloud else run.item.model.edge_cost


def _bounded(
    truth: ScheduleProblem, run: EdgeRun, floors: Sequence[Number | None], bound: int | None
) -> EdgeRun:
    solution = rebounded(truth, run.solution, floors)
    return replace(run, solution=solution, gap=relative_gap(run.utility, bound))
