"""Optional tasks, routes, mode rules, costs, energy and setups against the definitions."""

from __future__ import annotations

from hypothesis import assume, given, settings

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat_engine import Outcome, run, sat_parameters
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.family import CompiledSchedule
from tests.brute_force import TooLargeError, brute_force
from tests.strategies import choice_problems

LIMIT = 10_000


def optimum(problem: ScheduleProblem) -> tuple[int, ...] | None:
    try:
        return brute_force(problem, LIMIT)
    except TooLargeError:
        assume(False)
        raise


@given(choice_problems())
@settings(max_examples=150)
def test_cp_sat_finds_the_optimum(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == best
        assert check_schedule(problem, solution) == []


@given(choice_problems())
@settings(max_examples=80)
def test_bounds_by_formula_hold(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    bounds = CompiledSchedule(problem).bounds()
    if bounds is None:
        assert best is None
    elif best is not None and bounds[0] is not None:
        assert bounds[0] <= best[0]


@given(choice_problems())
@settings(max_examples=60)
def test_hints_are_complete(problem: ScheduleProblem) -> None:
    data = CompiledSchedule(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    assume(solution.status is Status.OPTIMAL)
    candidate = data.candidate(solution)
    assert candidate is not None
    formulation = Formulation(data.arrays, 0)
    model = formulation.model
    values = formulation.encode(candidate)
    assert len(values) == len(model.proto.variables)
    for index, value in enumerate(values):
        model.add(model.get_int_var_from_proto_index(index) == value)
    assert run(model, sat_parameters(Budget(None, 10.0, 1, 0))).outcome is Outcome.OPTIMAL
