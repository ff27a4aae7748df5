"""``scheduling.plan``: from a fleet's description to a plan with its proof and its neighbours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from scheduling.backends.carrying import check_engine
from scheduling.errors import InputError
from scheduling.models.base import Problem, require_problem
from scheduling.models.serving.fleet import Fleet
from scheduling.planner.binding import slacks
from scheduling.planner.clock import Clock
from scheduling.planner.emit import require_runtime
from scheduling.planner.refusing import require_replicas, servable
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.results import PlanResult, RunnerUp
from scheduling.planner.rivals import HERE, Engine, runner_ups
from scheduling.planner.rounds import verified
from scheduling.planner.templates import Memo, candidates
from scheduling.planner.untried import best_possible
from scheduling.planner.worth import Worths, worths
from scheduling.solvers.board import Progress
from scheduling.solvers.driver import check_limits
from scheduling.solvers.watching import whole

DEFAULT_TIME_LIMIT = 20.0
_TEMPLATE_SHARE = 0.5
"""Share of the time that finding kinds of replicas may take."""

_FURTHER_SHARE = 0.7
"""Share of the time left behind it that the rest may take while a demand has no replica."""

_PROOF_SHARE = 0.3
"""Share of the time then left for what kinds of replicas that were not tried could bring."""

_WORTH_SHARE = 0.4
"""Share of the time left behind the plan for what constraints are worth; rivals have the rest."""


def plan(
    fleet: Problem,
    *,
    folder: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = "loky",
    runtime: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> PlanResult:
    """Plan a serving fleet: how many replicas of what, where, and what to expect of them.

    Layouts, batches and token budgets that keep every target are enumerated with the cost model of
    each replica; queueing models say how busy pools of each size may be; the choice between them is
    solved as one integer program, with a bound. A keyboard interrupt ends the search early and
    returns the best plan so far; a second one is raised.

    Parameters
    ----------
    fleet
        The request, as :func:`scheduling.read` returns it for a file of kind ``fleet``.
    folder
        Where the paths in it begin; default: the working folder.
    time_limit
        Wall-clock seconds for everything. Default: 20.
    workers
        Threads; default: the processors that the process may use.
    seed
        Seed of every random choice.
    jobs
        Most searches for the best plans of other kinds side by side. Default: one on this machine,
        where each has the time that those before leave, all that a cluster has room for.
    backend
        Who carries these searches: ``loky`` (this machine), ``dask`` or ``ray``, with its address
        as ``dask:tcp://host:8786``.
    runtime
        What is to start the plan, such as ``vllm``: only kinds of replicas that
        :func:`~scheduling.planner.emit.emit` can write for it are planned. Default: all kinds.
    on_progress
        Called with every better plan or bound of the main search.

    Returns
    -------
    PlanResult
        The plan, its certificate, the best plans of other kinds and what binds.

    Raises
    ------
    InputError
        When the fleet names what does not exist, or a model fits on no pool, with the reasons,
        when its goals are best kept by serving nothing, and for an unknown backend or runtime.
    """
    check_limits(time_limit, None, workers, seed)
    check_engine(jobs, backend)
    if runtime is not None:
        require_runtime(runtime)
    began = time.monotonic()
    given = require_fleet(fleet)
    resolved = resolve(given, None if folder is None else Path(folder), runtime)
    with whole() as interrupted:
        return plan_resolved(
            resolved,
            Clock(began + (time_limit or DEFAULT_TIME_LIMIT), workers, seed, interrupted),
            on_progress,
            Engine(jobs, backend),
        )


def require_fleet(problem: Problem) -> Fleet:
    """Return the problem, which is to be a fleet."""
    require_problem(problem)
    if not isinstance(problem, Fleet):
        raise InputError.single("kind", repr(problem.kind), "fleet")
    return problem


def plan_resolved(
    resolved: Resolved,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None = None,
    engine: Engine = HERE,
) -> PlanResult:
    """Plan a fleet whose references have been looked up."""
    memo = Memo()
    found = candidates(resolved, clock=clock.part(_TEMPLATE_SHARE), memo=memo)
    if not found.complete and not all(servable(load, found.kept) for load in resolved.loads):
        found = candidates(resolved, clock=clock.part(_FURTHER_SHARE), memo=memo)
    if found.complete:
        require_replicas(resolved, found)
    bound = None if found.complete else best_possible(resolved, found, clock, _PROOF_SHARE)
    answer = verified(resolved, found.kept, bound, clock, on_progress)
    best = answer.plan
    if best is None and answer.solution.objective is not None:
        _require_service(resolved.fleet)
    binding = Worths(complete=False)
    others: tuple[RunnerUp, ...] = ()
    if best is not None:
        binding = worths(resolved, best, found, clock.part(_WORTH_SHARE), memo)
        others = runner_ups(resolved, answer.kept, bound, best, clock, engine)
    return PlanResult(
        fleet=resolved.fleet,
        plan=best,
        solution=answer.solution,
        problem=answer.problem,
        replays=tuple(answer.replays),
        runner_ups=others,
        slacks=()
        if best is None
        else slacks(resolved, answer.kept, answer.problem, answer.solution, best),
        worths=binding,
        ruled_out=found.ruled_out,
        candidates=tuple(answer.kept),
        resolved=resolved,
        complete=found.complete,
        interrupted=clock.interrupted.is_set(),
    )


def _require_service(fleet: Fleet) -> None:
    """Refuse goals that are best kept by serving nothing.

    Raises
    ------
    InputError
        When something else comes before the goodput, so that demands need not be met.
    """
    if fleet.goals[0] != "goodput":
        found = f"{fleet.goals[0]} before goodput, which is least where nothing is served"
        expected = "goodput first, or none, so that demands are met in full"
        raise InputError.single("goals", found, expected)
