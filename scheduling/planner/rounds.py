"""Plans, replayed by simulation and planned again until a replay keeps all targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduling.errors import SolverError
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.answering import planned
from scheduling.planner.candidates import Candidate
from scheduling.planner.clock import Clock
from scheduling.planner.resolve import Resolved
from scheduling.planner.stating import state
from scheduling.planner.untried import proven
from scheduling.planner.verify import Replay, derated, replay
from scheduling.solvers.board import Progress

_MAIN_SHARE = 0.6
"""Share of the time left that each search for the plan may take."""

_ROUNDS = 8
"""Most searches for a plan whose replay keeps all targets."""


@dataclass
class Answer:
    """A solved problem, its plan and what replays showed of it and of those before."""

    kept: Sequence[Candidate]
    problem: ServingProblem
    solution: ServingSolution
    plan: ServingPlan | None
    replays: list[Replay]


def verified(
    resolved: Resolved,
    kept: Sequence[Candidate],
    best: ServingSolution | None,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None,
) -> Answer:
    """Solve, replay, and solve again with lower ceilings while a target is not kept.

    When nothing is left with lower ceilings, or no time for its replay, the plan stands whose
    replay came nearest to the targets; its replay is the last one.

    Parameters
    ----------
    resolved, kept
        The fleet, and kinds of replicas to choose from.
    best
        The best that all kinds could bring; ``None`` where ``kept`` are all.
    clock
        The time.
    on_progress
        Called with every better plan or bound.
    """
    replays: list[Replay] = []
    answer: Answer | None = None
    for _ in range(_ROUNDS):
        problem = state(resolved, kept)
        solution = clock.solve(problem, _MAIN_SHARE, on_progress)
        if best is not None:
            solution = proven(solution, best)
        plan = planned(resolved, kept, solution)
        seen = None
        if plan is not None:
            seen = replay(resolved, kept, solution, plan, clock)
        if seen is None:
            answer = answer or Answer(kept, problem, solution, plan, replays)
            break
        if answer is None or seen.excess <= replays[-1].excess:
            replays.append(seen)
            answer = Answer(kept, problem, solution, plan, replays)
        else:
            replays.insert(-1, seen)
        if seen.kept or clock.over:
            break
        kept = derated(kept, solution, seen.missed)
    if answer is None:
        raise SolverError("the planner ended without an answer")
    return answer
