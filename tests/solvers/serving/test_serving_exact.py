"""Exact solvers of serving fleets against brute force."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.cost.layout import Layout
from scheduling.models.serving.problem import (
    Demand,
    Limits,
    Pool,
    Scenario,
    ServingProblem,
    Template,
)
from scheduling.solvers.registry import stated
from tests.properties import examples
from tests.servings import best_values, serving_problems

EXACT = ("cp-sat", "mip")
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def assert_best(problem: ServingProblem, solver: str) -> None:
    best = best_values(problem)
    answer = sch.solve(problem, solver, work_limit=60, workers=1)
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
@examples(60, suppress_health_check=SLOW)
@given(problem=serving_problems())
def test_exact_solvers_find_the_best_fleet(solver: str, problem: ServingProblem) -> None:
    assert_best(problem, solver)


@pytest.mark.parametrize("solver", EXACT)
@examples(40, suppress_health_check=SLOW)
@given(problem=serving_problems(affinity="low"))
def test_exact_solvers_find_the_best_sites(solver: str, problem: ServingProblem) -> None:
    assert_best(problem, solver)


def pool(name: str, gpus: int) -> Pool:
    return Pool(id=name, gpu=name, nodes=2, gpus_per_node=gpus, price_per_hour=1.0, watts=100.0)


def template(name: str, where: str, rates: dict[str, float], tp: int = 1, pp: int = 1) -> Template:
    return Template(id=name, model="m", pool=where, layout=Layout(tp=tp, pp=pp), rates=rates)


def test_goodput_of_large_rates_is_not_crept_up_to() -> None:
    problem = ServingProblem(
        pools=(pool("a", 4),),
        demands=(Demand(id="c", model="m", requests_per_second=0.5),),
        templates=(
            template("t0", "a", {"c": 2.0}, tp=2).model_copy(update={"ceilings": (0.0, 0.6, 0.8)}),
            template("t2", "a", {"c": 0.5}),
        ),
        limits=Limits(moves=2),
        goals=("goodput", "cost"),
    )
    assert_best(problem, "cp-sat")


@pytest.mark.parametrize("solver", EXACT)
def test_a_cheaper_fleet_of_equal_goodput_is_routed_to_keep_it(solver: str) -> None:
    demands = tuple(
        Demand(id=name, model="m", requests_per_second=0.5) for name in ("c0", "c1", "c2")
    )
    problem = ServingProblem(
        pools=(pool("a", 2), pool("b", 2)),
        demands=demands,
        templates=(
            template("t0", "a", {"c0": 0.5, "c1": 0.5, "c2": 0.5}).model_copy(
                update={"role": "prefill"}
            ),
            template("t1", "b", {"c0": 0.5, "c1": 0.5}),
            template("t2", "a", {"c0": 0.5, "c1": 0.5, "c2": 0.5}, tp=2, pp=2),
            template("t3", "a", {"c0": 0.5}),
        ),
        scenarios=(Scenario(id="peak", all_demands=0.5, demands={"c0": 1.5}, rates={"t0": 0.5}),),
        goals=("goodput", "cost"),
    )
    assert_best(problem, solver)
