"""Heuristics, column generation and the portfolio for serving fleets."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers.registry import stated
from scheduling.solvers.serving.family import FAMILY, CompiledServing
from tests.properties import examples
from tests.servings import best_values, serving_problems

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
RATES = ("unserved", "rate", "goodput")


@pytest.mark.parametrize("solver", ["greedy", "columns", "auto"])
@examples(40, suppress_health_check=SLOW)
@given(problem=serving_problems())
def test_bounds_and_values_enclose_the_optimum(solver: str, problem: ServingProblem) -> None:
    best = best_values(problem)
    answer = sch.solve(problem, solver, work_limit=4, workers=1)
    if best is None:
        assert answer.status in (Status.INFEASIBLE, Status.UNKNOWN)
        return
    if answer.status is Status.UNKNOWN:
        assert solver == "greedy"
        return
    first, name = answer.tiers[0], problem.goals[0]
    slack = int(name in RATES)
    value, bound = stated(first.objective, first.sense), stated(first.bound, first.sense)
    assert value is not None
    assert value >= best[0] - slack
    assert bound is None or bound <= best[0] + slack
    if solver == "auto":
        assert value <= best[0] + slack


@pytest.mark.parametrize("solver", ["greedy", "columns"])
@examples(20, suppress_health_check=SLOW)
@given(problem=serving_problems(affinity="low"))
def test_sites_are_found_by_all(solver: str, problem: ServingProblem) -> None:
    best = best_values(problem)
    answer = sch.solve(problem, solver, work_limit=4, workers=1)
    if answer.tiers:
        assert best is not None
        first = answer.tiers[0]
        slack = int(problem.goals[0] in RATES)
        assert (stated(first.objective, first.sense) or 0) >= best[0] - slack


@examples(40, suppress_health_check=SLOW)
@given(problem=serving_problems())
def test_bounds_by_formula_hold(problem: ServingProblem) -> None:
    best, bounds = best_values(problem), CompiledServing(problem).bounds()
    if best is None or bounds is None:
        assert best is None
        return
    # Tiers after the first hold given the values before: all formulas hold without them.
    for name, bound, value in zip(problem.goals, bounds, best, strict=True):
        assert bound is None or bound <= value + (name in RATES)


def test_columns_prove_a_fleet_of_many_models() -> None:
    problem = generate("serving-fleet", {"models": 3, "nodes": 8, "types": 2, "seed": 1})
    fast = sch.solve(problem, "greedy", work_limit=1, workers=1)
    answer = sch.solve(problem, "columns", work_limit=5, workers=1)
    assert answer.tiers[0].objective == 0
    cost, first = answer.tiers[1], fast.tiers[1]
    assert cost.gap is not None
    assert cost.gap <= 0.05
    assert cost.objective <= first.objective


def test_the_same_seed_gives_the_same_fleet() -> None:
    problem = generate("serving-fleet", {"models": 2, "nodes": 4, "types": 2, "seed": 3})
    for solver in ("greedy", "columns"):
        one, two = (
            sch.solve(problem, solver, work_limit=5, workers=1, seed=5).model_dump(
                exclude={"seconds", "history"}
            )
            for _ in range(2)
        )
        assert one == two


def test_a_hint_is_where_the_search_begins() -> None:
    problem = generate("serving-fleet", {"models": 2, "nodes": 4, "types": 2, "seed": 2})
    good = sch.solve(problem, "auto", time_limit=1e6)
    again = sch.solve(problem, "greedy", work_limit=1, workers=1, hint=good)
    assert [tier.objective for tier in again.tiers] <= [tier.objective for tier in good.tiers]


def test_facts_of_a_fleet_name_its_sizes_and_solvers() -> None:
    problem = generate("serving-fleet", {"models": 2, "nodes": 4, "types": 2, "seed": 0})
    facts = FAMILY.describe(problem)
    assert facts["gpus"] == 32
    assert facts["models"] == 2
    assert set(facts["solvers"]) >= {"auto", "cp-sat", "mip", "columns", "greedy"}
