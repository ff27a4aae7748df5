"""The best plans of the kinds that a plan is not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scheduling.backends.carrying import carry_all
from scheduling.models.base import Status
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.answering import outcome
from scheduling.planner.candidates import Candidate
from scheduling.planner.clock import Clock
from scheduling.planner.resolve import Resolved
from scheduling.planner.results import RunnerUp
from scheduling.planner.rounds import verified
from scheduling.solvers.watching import raised


class Engine(NamedTuple):
    """Who carries searches that do not need each other, and how many at a time."""

    jobs: int | None = None
    backend: str = "loky"

    @property
    def alone(self) -> bool:
        """Whether one after the other is carried in this process."""
        return self.backend == "loky" and self.jobs in (None, 1)


HERE = Engine()


@dataclass(frozen=True, slots=True)
class _Rival:
    """A search for the best plan of one kind, as it travels to whoever carries it."""

    kind: str
    resolved: Resolved
    kept: tuple[Candidate, ...]
    best: ServingSolution | None
    seconds: float
    workers: int | None
    seed: int


def _plan_rival(rival: _Rival) -> RunnerUp:
    return _searched(rival, Clock(time.monotonic() + rival.seconds, rival.workers, rival.seed))


def _searched(rival: _Rival, clock: Clock) -> RunnerUp:
    answer = verified(rival.resolved, rival.kept, rival.best, clock, None)
    return RunnerUp(rival.kind, answer.plan, outcome(answer.solution), tuple(answer.replays))


def runner_ups(
    resolved: Resolved,
    kept: Sequence[Candidate],
    bound: ServingSolution | None,
    best: ServingPlan,
    clock: Clock,
    engine: Engine,
) -> tuple[RunnerUp, ...]:
    """Plan again with the templates of one kind only, for each kind that the plan is not.

    ``bound``: the best that all templates could bring; ``None`` where ``kept`` are all.
    """
    rivals = _kinds_beside(resolved, kept, best)

    def rival(kind: str, chosen: Sequence[Candidate], share: float) -> _Rival:
        left = clock.left(share)
        return _Rival(kind, resolved, tuple(chosen), bound, left, clock.workers, clock.seed)

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
