"""What binds a job on spot capacity: too little time, or capacity that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduling.models.base import Solution, Status
from scheduling.models.spot.problem import MOST_TICKS, Span, SpotProblem
from scheduling.models.spot.solution import SpotSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Explainer, Explanation, Label

_REGIONS = 5
_LATER = 10
"""The deadline is put off by one part in so many."""


def explain_spot(problem: SpotProblem, budget: Budget) -> BindingExplanation | Explanation:
    """Say what is on demand, and what time and capacity bring; or why the job is late anyway."""
    if problem.work + problem.changeover > problem.deadline:
        return Explainer(lambda: _Times(problem), budget).explain()
    return explain_binding(problem, budget, _binds, lambda p, s: list(_changes(p, s)))


def _binds(problem: SpotProblem, solution: SpotSolution) -> list[str]:
    demand = sum(run.end - run.start for run in solution.runs if run.region is None)
    paid = sum(run.end - run.start for run in solution.runs)
    began = len(solution.runs) * problem.changeover
    some = [False] * problem.deadline
    for region in problem.regions:
        for span in region.available:
            length = min(problem.deadline, span.end) - span.start
            some[span.start : span.end] = [True] * max(0, length)
    said = f"{paid} ticks are paid: {problem.work} of work, {began} of changeovers"
    return [
        f"{said}; {demand} of them are on demand.",
        f"{sum(some)} of the {problem.deadline} ticks have spot capacity somewhere.",
    ]


def _changes(problem: SpotProblem, solution: SpotSolution) -> Iterator[Change[SpotProblem]]:
    later = min(MOST_TICKS, problem.deadline + max(1, problem.deadline // _LATER))
    if later > problem.deadline:
        # Nothing is known of the capacity then: none is assumed.
        ended = [
            region.model_copy(
                update={
                    "available": tuple(
                        Span(start=span.start, end=min(span.end, problem.deadline))
                        for span in region.available
                        if span.start < problem.deadline
                    )
                }
            )
            for region in problem.regions
        ]
        changed = problem.model_copy(update={"deadline": later, "regions": tuple(ended)})
        words = f"a deadline at {later}, without spot capacity behind {problem.deadline}"
        yield Change(Label("deadline", (), words), changed)
    if problem.changeover:
        changed = problem.model_copy(update={"changeover": problem.changeover // 2})
        yield Change(Label("changeover", (), "changeovers half as long"), changed)
    used = {run.region for run in solution.runs}
    regions = sorted(problem.regions, key=lambda region: (region.id not in used, region.price))
    for region in regions[:_REGIONS]:
        always = region.model_copy(update={"available": (Span(start=0, end=problem.deadline),)})
        rest = tuple(always if other.id == region.id else other for other in problem.regions)
        words = f"spot capacity in {region.id!r} all the time"
        changed = problem.model_copy(update={"regions": rest})
        yield Change(Label("region", (region.id,), words), changed)
        if region.id in used:
            rest = tuple(other for other in problem.regions if other.id != region.id)
            changed = problem.model_copy(update={"regions": rest})
            yield Change(Label("region", (region.id,), f"without {region.id!r}"), changed)


class _Times:
    """Work, changeover and deadline, of which the last is too early."""

    def __init__(self, problem: SpotProblem) -> None:
        self.problem = problem
        self.labels = [
            Label("work", (), f"the job takes {problem.work} ticks of work"),
            Label("deadline", (), f"it ends by tick {problem.deadline}"),
        ]
        if problem.changeover:
            said = f"an instance makes no progress in its first {problem.changeover} ticks"
            self.labels.append(Label("changeover", (), said))
        self.groups = [[index] for index in range(len(self.labels))]

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Tell that there is none."""
        del budget
        return Status.INFEASIBLE, None

    def by_formula(self) -> list[int] | None:
        """Return all of them: an instance on demand from the begin is too late."""
        return list(range(len(self.labels)))

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Name no conflict ahead of the search."""
        del parts, budget
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Add up what an instance on demand needs."""
        del budget
        kept = {self.labels[index].kind for index in rules}
        needs = self.problem.work if "work" in kept else 1
        needs += self.problem.changeover if "changeover" in kept else 0
        return "deadline" not in kept or needs <= self.problem.deadline
