"""Independent check of jobs on spot capacity: what each run does and costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import InstanceRun, SpotSolution


def check_spot(problem: SpotProblem, solution: SpotSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "has instances" if solution.runs else None
        in_time = problem.work + problem.changeover <= problem.deadline
        why = "an instance on demand is in time" if in_time else None
        return list(claims_without_answer(solution, does, "instances", why))
    violations = [*_runs(problem, solution), *_together(problem, solution)]
    if not violations:
        price = {region.id: region.price for region in problem.regions}
        cost = sum(
            (run.end - run.start)
            * (problem.on_demand_price if run.region is None else price[run.region])
            for run in solution.runs
        )
        violations += certificate_violations(("cost",), (cost,), solution)
    return violations


def _runs(problem: SpotProblem, solution: SpotSolution) -> Iterator[Violation]:
    regions = {region.id: region for region in problem.regions}
    for run in solution.runs:
        where = f"{_name(run)} from {run.start} to {run.end}"
        if run.end <= run.start:
            yield Violation("run", f"{where} has no ticks")
        if run.region is None:
            continue
        if run.region not in regions:
            yield Violation("region", f"unknown region {run.region!r}")
        elif not any(
            span.start <= run.start and run.end <= span.end
            for span in regions[run.region].available
        ):
            yield Violation("capacity", f"{where} has no capacity in all ticks")


def _together(problem: SpotProblem, solution: SpotSolution) -> Iterator[Violation]:
    runs = sorted(solution.runs, key=lambda run: run.start)
    for one, other in pairwise(runs):
        if other.start < one.end:
            where = f"{_name(one)} and {_name(other)} at {other.start}"
            yield Violation("one instance", where, one.end - other.start, "ticks")
    if runs and runs[-1].end > problem.deadline:
        yield Violation("deadline", _name(runs[-1]), runs[-1].end - problem.deadline, "ticks")
    done = sum(max(0, run.end - run.start - problem.changeover) for run in runs)
    if done < problem.work:
        yield Violation("work", f"{done} of {problem.work} ticks", problem.work - done, "ticks")


def _name(run: InstanceRun) -> str:
    return "an instance on demand" if run.region is None else f"one in {run.region!r}"
