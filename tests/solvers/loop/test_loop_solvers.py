"""Solvers of loops against brute force and against each other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.solvers.loop.family import CompiledLoop
from tests.loops import best_pipeline, loops


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "auto"])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_exact_solvers_agree_with_brute_force(solver: str, problem: LoopProblem) -> None:
    best = best_pipeline(problem)
    answer: LoopSolution = sch.solve(problem, solver, work_limit=20, workers=1)
    if best is None:
        assert answer.status is Status.INFEASIBLE
    else:
        assert answer.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in answer.tiers) == best


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_bounds_hold_and_the_heuristic_is_valid(problem: LoopProblem) -> None:
    best = best_pipeline(problem)
    floors = CompiledLoop(problem).bounds()
    answer: LoopSolution = sch.solve(problem, "ims", work_limit=1)
    if best is None:
        assert answer.interval is None
        return
    assert floors is not None
    assert all(
        floor is not None and floor <= value for floor, value in zip(floors, best, strict=True)
    )
    if answer.interval is not None:
        assert answer.interval >= best[0]
