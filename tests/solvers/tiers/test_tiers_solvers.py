"""Solvers of placement in tiers against brute force, and against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given

from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.tiers.arrays import compile_tiers
from scheduling.models.tiers.bounds import time_bound
from scheduling.models.tiers.problem import TieredProblem
from scheduling.report.charts import write_chart
from scheduling.report.tiers.chart import located, sentence
from scheduling.solvers.tiers.family import FAMILY
from tests.properties import examples
from tests.solving import solve
from tests.tiers import best_time, ticks, tiered_problems

RELAXED = examples(30, suppress_health_check=list(HealthCheck))


@RELAXED
@given(problem=tiered_problems())
def test_exact_solvers_agree_with_brute_force(problem: TieredProblem) -> None:
    best = best_time(problem)
    for name in ("cp-sat", "mip", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        expected = Status.INFEASIBLE if best is None else Status.OPTIMAL
        assert (answer.objective, answer.status) == (best, expected), name


@RELAXED
@given(problem=tiered_problems(unit=2**33))
def test_long_steps_are_refused_or_as_good_as_short_ones(problem: TieredProblem) -> None:
    best = best_time(problem)
    taken = FAMILY.takers(FAMILY.compile(problem))
    for name in {"cp-sat", "mip", "auto"} & set(taken):
        answer = solve(problem, name, work_limit=20, workers=1)
        expected = Status.INFEASIBLE if best is None else Status.OPTIMAL
        assert (answer.objective, answer.status) == (best, expected), name


def test_fast_copies_beside_long_steps_are_within_the_numbers_of_cp_sat() -> None:
    program = generate("tensor-program", {"steps": 5, "weights": 5, "seed": 1})
    document = program.model_dump()
    document["compute"] = [ticks * 10**8 for ticks in document["compute"]]
    document["link"] *= 10**8
    problem = TieredProblem.model_validate(document)
    answer = solve(problem, "cp-sat", work_limit=1, workers=1)
    assert (answer.status, answer.objective) == (Status.OPTIMAL, sum(document["compute"]))
    document["memories"][0]["bandwidth"] = 2**50
    document["link"] = 1
    extreme = TieredProblem.model_validate(document)
    assert "cp-sat" not in FAMILY.takers(FAMILY.compile(extreme))
    assert solve(extreme, "auto", work_limit=0.1, workers=1).objective == answer.objective


@RELAXED
@given(problem=tiered_problems())
def test_rules_are_valid_and_the_bound_holds(problem: TieredProblem) -> None:
    best = best_time(problem)
    if best is None:
        return
    assert time_bound(compile_tiers(problem)) <= best
    for name in ("density", "descent"):
        answer = solve(problem, name, work_limit=0.05, workers=1)
        if answer.status is not Status.UNKNOWN:
            assert answer.bound <= best <= answer.objective, name
            assert ticks(problem, answer) == answer.objective


def test_copies_pay_where_they_are_hidden() -> None:
    problem = generate("tensor-program", {"steps": 12, "weights": 5, "seed": 1})
    assert isinstance(problem, TieredProblem)
    best = solve(problem, work_limit=5, workers=1)
    dense = solve(problem, "density", work_limit=1)
    still = solve(problem.model_copy(update={"link": None}), work_limit=5, workers=1)
    assert best.objective < still.objective
    assert best.objective < dense.objective
    assert best.gap is not None
    assert best.gap < 0.05
    assert solve(problem, work_limit=5, workers=1).residences == best.residences
    facts = FAMILY.describe(problem)
    assert facts["with_home"] == 5
    assert facts["bounds_by_formula"]["time"] <= best.bound


def test_large_programs_have_an_answer() -> None:
    problem = generate("tensor-program", {"steps": 300, "weights": 60})
    assert isinstance(problem, TieredProblem)
    dense = solve(problem, "density", work_limit=1)
    better = solve(problem, "descent", work_limit=1)
    assert better.bound < better.objective < dense.objective


def test_chart(tmp_path: Path) -> None:
    problem = generate("tensor-program", {"steps": 8, "weights": 3, "seed": 3})
    assert isinstance(problem, TieredProblem)
    answer = solve(problem, work_limit=5, workers=1)
    assert "proven least" in sentence(problem, answer)
    where = located(problem, answer)
    arrays = compile_tiers(problem)
    assert arrays.total(where) == answer.objective
    assert np.array_equal(where >= 0, arrays.live)
    write_chart(problem, answer, tmp_path / "t.svg")
    assert (tmp_path / "t.svg").read_bytes().startswith(b"<?xml")
