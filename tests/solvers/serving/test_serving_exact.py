"""Exact solvers of serving fleets against brute force."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers.registry import stated
from tests.servings import best_values, serving_problems

EXACT = ("cp-sat", "mip")
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def assert_best(problem: ServingProblem, solver: str) -> None:
    best = best_values(problem)
    answer = sch.solve(problem, solver, time_limit=20, workers=1)
    if best is None:
        assert answer.status is Status.INFEASIBLE
        return
    found = [stated(tier.objective, tier.sense) for tier in answer.tiers]
    # Rates are continuous in the brute force: one unit of their tiers is within its tolerance.
    for name, value, optimum in zip(problem.goals, found, best, strict=True):
        assert value is not None
        assert abs(value - optimum) <= (name in ("unserved", "rate", "goodput"))
        if value != optimum:
            return
    assert answer.status is Status.OPTIMAL
    assert not sch.check(problem, answer)


@pytest.mark.parametrize("solver", EXACT)
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(problem=serving_problems())
def test_exact_solvers_find_the_best_fleet(solver: str, problem: ServingProblem) -> None:
    assert_best(problem, solver)


@pytest.mark.parametrize("solver", EXACT)
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(problem=serving_problems(affinity="low"))
def test_exact_solvers_find_the_best_sites(solver: str, problem: ServingProblem) -> None:
    assert_best(problem, solver)
