"""Solvers of allocation against brute force, and against each other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.allocation.arrays import compile_allocation
from scheduling.models.allocation.bounds import price_bound
from scheduling.models.allocation.problem import MOST, AllocationProblem, Claim
from scheduling.models.base import Status
from scheduling.report.allocation.chart import curve, sentence
from scheduling.report.charts import write_chart
from scheduling.solvers.allocation.explain import explain_allocation
from scheduling.solvers.allocation.family import FAMILY, CompiledAllocation
from scheduling.solvers.board import Budget
from tests.allocations import allocation_problems, best_gain
from tests.properties import examples
from tests.solving import solve

RELAXED = examples(60, suppress_health_check=list(HealthCheck))

EXACT = 10**8
"""From such gains on, HiGHS may take what is worse by 1 for the best."""


@pytest.mark.parametrize("most", [20, 10**7, MOST])
@RELAXED
@given(data=st.data())
def test_solvers_agree_with_brute_force(most: int, data: st.DataObject) -> None:
    problem = data.draw(allocation_problems(most=most))
    best = best_gain(problem)
    for name in ("dynamic-program", "cp-sat", "mip", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        if best is None:
            assert answer.status is Status.INFEASIBLE, name
        elif name == "mip" and most > EXACT:
            assert None not in (answer.objective, answer.bound)
            assert best - 1e-8 * most <= answer.objective <= best
            assert best <= answer.bound <= best + 1e-8 * most
        else:
            assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@examples(200, parent=RELAXED)
@given(problem=allocation_problems())
def test_bounds_hold_and_rules_are_valid(problem: AllocationProblem) -> None:
    best = best_gain(problem)
    if best is None:
        return
    assert price_bound(compile_allocation(problem)) >= best
    for name in ("greedy", "marginal"):
        answer = solve(problem, name, work_limit=1)
        assert answer.objective <= best <= answer.bound, name


@examples(200, parent=RELAXED)
@given(problem=allocation_problems(concave=True))
def test_marginal_analysis_is_best_for_concave_gains(problem: AllocationProblem) -> None:
    assert compile_allocation(problem).concave
    for name in ("greedy", "marginal"):
        answer = solve(problem, name, work_limit=1)
        assert (answer.objective, answer.status) == (best_gain(problem), Status.OPTIMAL), name


def test_rules_by_hand() -> None:
    # Nothing is gained by one unit of a, most by two: marginal analysis does not see it.
    problem = AllocationProblem(
        budget=2, claims=(Claim(id="a", gains=(0, 0, 10)), Claim(id="b", gains=(0, 3, 4)))
    )
    assert solve(problem, "marginal", work_limit=1).objective == 4
    assert solve(problem, "greedy", work_limit=1).objective == 10
    assert not compile_allocation(problem).concave


def test_large_gains_are_not_lost_in_presolve() -> None:
    gains = (
        (790450706669, 169240572822, 905574231639, -122953356484),
        (-922114941579, -698687349677, -394485457938, -171737259689),
        (521829058980,),
    )
    claims = tuple(Claim(id=f"c{number}", gains=row) for number, row in enumerate(gains))
    problem = AllocationProblem(budget=9, claims=claims)
    answer = sch.solve(problem, "cp-sat", work_limit=20, workers=1)
    assert (answer.objective, answer.bound) == (best_gain(problem), best_gain(problem))


def test_large_numbers_do_not_overflow() -> None:
    claims = tuple(
        Claim(id=name, gains=(0, MOST - 1, MOST), costs=(0, MOST - 3, MOST)) for name in "abc"
    )
    problem = AllocationProblem(budget=MOST, claims=claims)
    answer = solve(problem, "mip", work_limit=50, workers=1)
    assert answer.objective == MOST <= answer.bound <= MOST + 3


def test_large_problems_close() -> None:
    problem = generate("allocation", {"claims": 300, "levels": 50, "uneven": 1.0})
    assert isinstance(problem, AllocationProblem)
    best = solve(problem, work_limit=20, workers=1)
    assert best.status is Status.OPTIMAL
    greedy = solve(problem, "greedy", work_limit=1)
    assert greedy.objective >= 0.999 * best.objective
    assert solve(problem, "marginal", work_limit=1).objective < greedy.objective
    assert solve(problem, work_limit=20, workers=1).grants == best.grants
    facts = FAMILY.describe(problem)
    assert facts["gain_of_best_levels"] > facts["bounds_by_formula"]["gain"] >= best.objective
    long = problem.model_copy(update={"budget": 10**6})
    assert set(FAMILY.takers(CompiledAllocation(long))) == set(FAMILY.solvers)
    assert solve(long, "greedy", work_limit=1).objective == facts["gain_of_best_levels"]


def test_conflicts_are_minimal() -> None:
    claims = tuple(
        Claim(id=name, gains=(0,), costs=(cost,))
        for name, cost in zip("abcd", (1, 5, 2, 6), strict=True)
    )
    problem = AllocationProblem(budget=10, claims=claims)
    found = sch.explain(problem, 5)
    assert [label.entities for label in found.conflict] == [(), ("b",), ("d",)]
    assert found.is_minimal
    feasible = problem.model_copy(update={"budget": 14})
    assert sch.explain(feasible, 5).status is Status.FEASIBLE
    over = Budget(time.monotonic(), None, 1, 0)
    assert explain_allocation(feasible, over).status is Status.FEASIBLE


def test_chart(tmp_path: Path) -> None:
    problem = generate("allocation", {"claims": 5, "levels": 4})
    assert isinstance(problem, AllocationProblem)
    answer = solve(problem, work_limit=5, workers=1)
    assert "proven most" in sentence(problem, answer)
    budgets, gains = curve(problem)
    assert (budgets[0], gains[0]) == (0, 0)
    assert gains == sorted(gains)
    write_chart(problem, answer, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")


@given(problem=allocation_problems(), budget=st.integers(0, 12))
def test_conflicts_and_what_relaxes_them_by_their_definition(
    problem: AllocationProblem, budget: int
) -> None:
    problem = problem.model_copy(update={"budget": budget})
    least = {claim.id: claim.levels()[0] for claim in problem.claims}
    found = sch.explain(problem, 1e6, workers=1)
    if sum(least.values()) <= budget:
        assert found.solution is not None
        assert sch.check(problem, found.solution) == []
        return
    assert (found.status, found.is_minimal) == (Status.INFEASIBLE, True)
    named = [label.entities[0] for label in found.conflict if label.kind == "claim"]
    total = sum(least[name] for name in named)
    assert total > budget
    assert all(total - least[name] <= budget for name in named)
    enough = [name for name in named if sum(least.values()) - least[name] <= budget]
    relaxing = [label.entities[0] for label in found.relaxations if label.kind == "claim"]
    assert relaxing == enough
    assert found.relaxations[0].kind == "budget"
