"""``simulate``: policies side by side, each with its distance from the offline optimum."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scheduling.errors import InputError
from scheduling.models.base import Number, Problem
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.online import OnlineSchedule, as_online
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.simulator.schedule.certifying import rebounded, stated
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.policy import Policy
from scheduling.simulator.schedule.registry import policy as make_policy
from scheduling.simulator.schedule.support import check_support
from scheduling.simulator.side_by_side import MOMENT, chosen, run_each, unless_stopped
from scheduling.solvers.driver import check_limits, solve

DEFAULT_POLICIES = ("FIFO", "SPT", "MWKR", "eft", "heft", "resolve")
DEFAULT_TIME_LIMIT = 10.0


@dataclass(frozen=True, slots=True)
class PolicyRun:
    """What one policy did.

    Parameters
    ----------
    policy, summary
        Its name, and one line about it.
    relaxation
        Why the offline problem's bound holds for it.
    solution
        Its schedule, a solution of the offline problem; ``gap`` bounds the regret: the value
        exceeds the offline optimum by at most that share of itself. Without tasks and value when
        the policy has missed a deadline.
    missed
        Tasks that ended after their deadlines.
    """

    policy: str
    summary: str
    relaxation: str
    solution: ScheduleSolution
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """Policies on one online schedule.

    Parameters
    ----------
    problem
        What was run.
    runs
        One a policy, in the order in which they were asked for.
    offline
        The best answer to the offline problem, with the bound that all runs are measured by.
    """

    problem: OnlineSchedule
    runs: tuple[PolicyRun, ...]
    offline: ScheduleSolution

    @property
    def best(self) -> PolicyRun:
        """The run of least value that kept all deadlines; the first of several or of none."""
        return _least(self.runs)


def simulate_schedule(
    problem: Problem,
    policy: str | Policy | Sequence[str | Policy] = DEFAULT_POLICIES,
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    on_run: Callable[[PolicyRun], None] | None = None,
) -> Simulation:
    """Run policies on a schedule that is revealed in time and bound their regret.

    Parameters
    ----------
    problem
        An online schedule, or a scheduling problem: its durations are then known beforehand, its
        jobs come at their releases, and a stop's end is known when it begins.
    policy
        Policies by name (see :data:`~scheduling.simulator.schedule.registry.POLICIES`) or as
        objects, one or several.
    time_limit
        Seconds for the bound of the offline problem; default: 10 without a ``work_limit``.
    work_limit, workers
        As of :func:`~scheduling.solvers.driver.solve`, for the offline problem.
    seed
        Seed of the random choices of policies made from names, and of the offline problem's
        solver.
    on_run
        Called after each policy, before its bound is known.

    Returns
    -------
    Simulation
        Every schedule has passed the independent check as a solution of the offline problem. Bounds
        of lexicographic objectives hold given the values reached in the tiers before; where a
        policy's differ from the offline answer's, a later tier has only its bound by formula.

    Raises
    ------
    InputError
        When the problem is of another kind, no policy is named, or the offline problem has no
        solution.
    UnsupportedError
        When there is no such policy, or the problem has rules that cannot be kept step by step.
    PolicyError
        When a policy does what the problem does not allow, or waits for ever.
    StoppedComparisonError
        When the keyboard interrupts the runs after the first has ended, with the comparison of
        those that had.
    CheckError
        When a schedule fails the independent check (a defect of the library).

    Examples
    --------
    >>> import scheduling as sch
    >>> shop = sch.read("bundled:ft06")
    >>> found = sch.simulate(shop, ["SPT", "MWKR"], work_limit=5, workers=1)
    >>> [run.solution.objective for run in found.runs], found.offline.bound
    ([88, 61], 55)
    """
    check_limits(time_limit, work_limit, workers, seed)
    online = as_online(problem)
    policies = chosen(policy, lambda name: make_policy(name, seed))
    floors = _floors(online.truth)
    runs = run_each(policies, lambda entry: _run(online, entry, floors), on_run)
    if len(runs) < len(policies):
        time_limit, work_limit = MOMENT, None
    elif time_limit is None and work_limit is None:
        time_limit = DEFAULT_TIME_LIMIT
    offline: ScheduleSolution = solve(
        online.truth,
        time_limit=time_limit,
        work_limit=work_limit,
        workers=workers,
        seed=seed,
        hint=None if _least(runs).missed else _least(runs).solution,
    )
    bounded = tuple(_bounded(online.truth, run, offline, floors) for run in runs)
    return unless_stopped(Simulation(online, bounded, offline), runs, len(policies))


def _floors(problem: ScheduleProblem) -> Sequence[Number | None]:
    """Return the bounds by formula of a problem that can be run step by step."""
    arrays = compile_arrays(problem)
    check_support(problem, arrays)
    floors = formula_bounds(arrays)
    if floors is None:
        raise InputError.single(
            "problem",
            "constraints that cannot hold together",
            "one with a solution; scheduling explain names them",
        )
    return floors


def _run(problem: OnlineSchedule, policy: Policy, floors: Sequence[Number | None]) -> PolicyRun:
    began = time.monotonic()
    tasks = execute(problem, policy)
    missed = _missed(problem.truth, tasks)
    kept = None if missed else tasks
    solution = stated(problem.truth, policy.name, kept, time.monotonic() - began, floors)
    return PolicyRun(policy.name, policy.summary, policy.relaxation, solution, missed)


def _missed(problem: ScheduleProblem, tasks: Sequence[ScheduledTask]) -> tuple[str, ...]:
    """Tasks that end after their own deadline or that of their job."""
    ends = {entry.task: entry.end for entry in tasks}
    return tuple(
        task.id
        for job in problem.jobs
        for task in job.tasks
        if any(
            limit is not None and ends[task.id] > limit for limit in (task.deadline, job.deadline)
        )
    )


def _least(runs: Sequence[PolicyRun]) -> PolicyRun:
    """Return the run of least value that kept all deadlines; the first of several or of none."""
    kept = [run for run in runs if not run.missed]
    return min(kept or runs[:1], key=lambda run: [t.objective or 0 for t in run.solution.tiers])


def _bounded(
    problem: ScheduleProblem,
    run: PolicyRun,
    offline: ScheduleSolution,
    floors: Sequence[Number | None],
) -> PolicyRun:
    """Give a run the offline problem's bounds, as far as they hold for it."""
    if not offline.tiers:
        # Without an offline schedule the bounds by formula are all there is.
        return run
    values = [tier.objective for tier in run.solution.tiers]
    bounds: list[Number | None] = []
    alike = True
    for value, tier, floor in zip(values, offline.tiers, floors, strict=True):
        known = [bound for bound in (floor, tier.bound if alike else None) if bound is not None]
        bounds.append(max(known, default=None))
        alike = alike and value == tier.objective
    return replace(run, solution=rebounded(problem, run.solution, bounds))
