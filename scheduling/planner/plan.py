"""``scheduling.plan``: from a fleet's description to a plan with its proof and its neighbours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from scheduling.backends.carrying import carry_all, check_engine
from scheduling.errors import InputError, SolverError
from scheduling.models.base import Problem, Status, require_problem
from scheduling.models.serving.fleet import Fleet
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.models.serving.units import natural
from scheduling.planner.answering import planned, shown_tier, unproven
from scheduling.planner.binding import Slack, slacks
from scheduling.planner.candidates import Candidate, Candidates, RuledOut
from scheduling.planner.clock import Clock
from scheduling.planner.refusing import require_replicas, servable
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.stating import state
from scheduling.planner.templates import Memo, candidates
from scheduling.planner.verify import Replay, derated, replay
from scheduling.planner.worth import Worths, worths
from scheduling.solvers.board import Progress
from scheduling.solvers.driver import check_limits
from scheduling.solvers.watching import raised, whole

DEFAULT_TIME_LIMIT = 20.0
_TEMPLATE_SHARE = 0.5
"""Share of the time that finding kinds of replicas may take."""

_FURTHER_SHARE = 0.7
"""Share of the time left behind it that the rest may take while a demand has no replica."""

_MAIN_SHARE = 0.6
"""Share of the time left that each search for the plan may take."""

_WORTH_SHARE = 0.4
"""Share of the time left behind it for what constraints are worth; runner-ups have the rest."""

_ROUNDS = 8
"""Most searches for a plan whose replay keeps all targets."""


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best plan of another kind.

    Parameters
    ----------
    kind
        What its replicas have in common.
    plan
        The plan; ``None`` when there is none of this kind, or none was found.
    status
        What is known of it.
    replays
        What simulation showed of it (last) and of others that did not keep a target.
    """

    kind: str
    plan: ServingPlan | None
    status: Status
    replays: tuple[Replay, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "status": self.status.value,
            "plan": None if self.plan is None else self.plan.model_dump(mode="json"),
            "replays": [seen.record() for seen in self.replays],
        }


@dataclass(frozen=True)
class PlanResult:
    """What :func:`plan` finds.

    Parameters
    ----------
    fleet
        The request.
    plan
        The best plan; ``None`` when there is none or none was found.
    solution
        The answer to ``problem``, with bound and gap.
    problem
        The choice between replica templates that was solved.
    replays
        What simulation showed of the plan (last) and of others that did not keep a target and were
        re-sized; empty when the time was up before the plan was replayed. Where the plan does not
        keep its targets either, it is the one that came nearest to them.
    runner_ups
        The best plans of other kinds, replayed and re-sized as the plan is.
    slacks
        How much of each limit is used.
    worths
        Which constraints bind, and what a little more of each would be worth.
    ruled_out
        Templates that cannot be used, each with the reason.
    candidates
        Templates to choose from.
    resolved
        The fleet with all that it refers to.
    complete
        Whether all kinds of replicas were tried in the time. Where they were not there is no bound,
        and no proof that nothing is possible.
    interrupted
        Whether Ctrl-C ended it: the plan is the best until then, with the bound that it had.
    """

    fleet: Fleet
    plan: ServingPlan | None
    solution: ServingSolution
    problem: ServingProblem
    replays: tuple[Replay, ...]
    runner_ups: tuple[RunnerUp, ...]
    slacks: tuple[Slack, ...]
    worths: Worths
    ruled_out: tuple[RuledOut, ...]
    candidates: tuple[Candidate, ...]
    resolved: Resolved
    complete: bool = True
    interrupted: bool = False

    def record(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        plan = None if self.plan is None else self.plan.model_dump(mode="json")
        return {
            "kind": "plan-result",
            "status": self.solution.status.value,
            "plan": plan,
            "tiers": [tier_record(self.solution, row) for row in range(len(self.solution.tiers))],
            "replays": [seen.record() for seen in self.replays],
            "runner_ups": [other.record() for other in self.runner_ups],
            "limits": [slack.record() for slack in self.slacks],
            "binds": [worth.record() for worth in self.worths.entries],
            "binds_complete": self.worths.complete,
            "templates_complete": self.complete,
            "interrupted": self.interrupted,
            "ruled_out": [dropped.record() for dropped in self.ruled_out],
        }


def tier_record(solution: ServingSolution, row: int) -> dict[str, Any]:
    """Return a tier's value and bound in natural units."""
    tier = solution.tiers[row]
    return {
        "name": tier.name,
        "sense": tier.sense,
        "objective": natural(tier.name, tier.objective),
        "bound": natural(tier.name, tier.bound),
        "gap": tier.gap,
    }


def plan(
    fleet: Problem,
    *,
    folder: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = "loky",
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
    on_progress
        Called with every better plan or bound of the main search.

    Returns
    -------
    PlanResult
        The plan, its certificate, the best plans of other kinds and what binds.

    Raises
    ------
    InputError
        When the fleet names what does not exist, or a model fits on no pool, with the reasons, and
        for an unknown backend.
    """
    check_limits(time_limit, None, workers, seed)
    check_engine(jobs, backend)
    began = time.monotonic()
    resolved = resolve(require_fleet(fleet), None if folder is None else Path(folder))
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


class Engine(NamedTuple):
    """Who carries searches that do not need each other, and how many at a time."""

    jobs: int | None = None
    backend: str = "loky"

    @property
    def alone(self) -> bool:
        """Whether one after the other is carried in this process."""
        return self.backend == "loky" and self.jobs in (None, 1)


_HERE = Engine()


def plan_resolved(
    resolved: Resolved,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None = None,
    engine: Engine = _HERE,
) -> PlanResult:
    """Plan a fleet whose references have been looked up."""
    memo = Memo()
    found = candidates(resolved, clock=clock.part(_TEMPLATE_SHARE), memo=memo)
    if not found.complete and not all(servable(load, found.kept) for load in resolved.loads):
        found = candidates(resolved, clock=clock.part(_FURTHER_SHARE), memo=memo)
    if found.complete:
        require_replicas(resolved, found)
    answer = _verified(resolved, found, clock, on_progress)
    best = answer.plan
    binding = Worths(complete=False)
    others: tuple[RunnerUp, ...] = ()
    if best is not None:
        binding = worths(resolved, best, found, clock.part(_WORTH_SHARE), memo)
        among = replace(found, kept=tuple(answer.kept))
        others = _runner_ups(resolved, among, best, clock, engine)
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


@dataclass
class _Answer:
    """A solved problem, its plan and what replays showed of it and of those before."""

    kept: Sequence[Candidate]
    problem: ServingProblem
    solution: ServingSolution
    plan: ServingPlan | None
    replays: list[Replay]


def _verified(
    resolved: Resolved,
    found: Candidates,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None,
) -> _Answer:
    """Solve, replay, and solve again with lower ceilings while a target is not kept.

    When nothing is left with lower ceilings, or no time for its replay, the plan stands whose
    replay came nearest to the targets; its replay is the last one.
    """
    kept: Sequence[Candidate] = found.kept
    replays: list[Replay] = []
    answer: _Answer | None = None
    for _ in range(_ROUNDS):
        problem = state(resolved, kept)
        solution = clock.solve(problem, _MAIN_SHARE, on_progress)
        if not found.complete:
            solution = unproven(solution)
        best = planned(resolved, kept, solution)
        seen = None
        if best is not None and best.components:
            seen = replay(resolved, kept, solution, best, clock)
        if seen is None:
            answer = answer or _Answer(kept, problem, solution, best, replays)
            break
        if answer is None or seen.excess <= replays[-1].excess:
            replays.append(seen)
            answer = _Answer(kept, problem, solution, best, replays)
        else:
            replays.insert(-1, seen)
        if seen.kept or clock.over:
            break
        kept = derated(kept, solution, seen.missed)
    if answer is None:
        raise SolverError("the planner ended without an answer")
    return answer


@dataclass(frozen=True, slots=True)
class _Rival:
    """A search for the best plan of one kind, as it travels to whoever carries it."""

    kind: str
    resolved: Resolved
    among: Candidates
    seconds: float
    workers: int | None
    seed: int


def _plan_rival(rival: _Rival) -> RunnerUp:
    return _searched(rival, Clock(time.monotonic() + rival.seconds, rival.workers, rival.seed))


def _searched(rival: _Rival, clock: Clock) -> RunnerUp:
    answer = _verified(rival.resolved, rival.among, clock, None)
    return RunnerUp(rival.kind, answer.plan, answer.solution.status, tuple(answer.replays))


def _runner_ups(
    resolved: Resolved, among: Candidates, best: ServingPlan, clock: Clock, engine: Engine
) -> tuple[RunnerUp, ...]:
    """Plan again with the templates of one kind only, for each kind that the plan is not."""
    rivals = _kinds_beside(resolved, among.kept, best)

    def rival(kind: str, chosen: Sequence[Candidate], share: float) -> _Rival:
        kept = replace(among, kept=tuple(chosen))
        return _Rival(kind, resolved, kept, clock.left(share), clock.workers, clock.seed)

    if not engine.alone and rivals and not clock.over:
        rounds = 1 if engine.jobs is None else -(-len(rivals) // engine.jobs)
        searches = [rival(kind, chosen, 0.9 / rounds) for kind, chosen in rivals]
        return _carried(searches, clock, engine)
    found = []
    for number, (kind, chosen) in enumerate(rivals):
        if clock.over:
            found.append(RunnerUp(kind, None, Status.UNKNOWN))
        else:
            share = 0.9 / (len(rivals) - number)
            found.append(_searched(rival(kind, chosen, share), clock.part(share)))
    return tuple(found)


def _carried(searches: Sequence[_Rival], clock: Clock, engine: Engine) -> tuple[RunnerUp, ...]:
    """Have searches carried side by side; once the user interrupts them they found nothing."""
    try:
        with raised():
            return tuple(carry_all(_plan_rival, searches, engine.jobs, engine.backend))
    except KeyboardInterrupt:
        clock.interrupted.set()
        return tuple(RunnerUp(rival.kind, None, Status.UNKNOWN) for rival in searches)


def _kinds_beside(
    resolved: Resolved, kept: Sequence[Candidate], best: ServingPlan
) -> list[tuple[str, list[Candidate]]]:
    """Return the kinds that a plan is not, each with its templates."""
    kinds: list[tuple[str, list[Candidate]]] = []
    if {one.role for one in kept} > {"both"}:
        kinds.append(("aggregated only", [one for one in kept if one.role == "both"]))
        kinds.append(("disaggregated only", [one for one in kept if one.role != "both"]))
    if len(resolved.pools) > 1:
        kinds += [
            (f"{pool.name} only", [one for one in kept if one.pool is pool])
            for pool in resolved.pools
        ]
    used = {(c.model, c.role, c.pool) for c in best.components}
    rivals = []
    for kind, chosen in kinds:
        allowed = {(one.model.name, one.role, one.pool.name) for one in chosen}
        if not used <= allowed and chosen:
            rivals.append((kind, chosen))
    return rivals


def value_of(solution: ServingSolution) -> tuple[str, float | None]:
    """Return name and value, in its natural unit, of the tier that a solution reports."""
    tier = shown_tier(solution)
    return ("", None) if tier is None else (tier.name, natural(tier.name, tier.objective))
