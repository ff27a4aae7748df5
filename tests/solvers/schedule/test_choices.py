"""Optional tasks, routes, mode rules, costs, energy and setups against the definitions."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat_engine import Outcome, run, sat_parameters, set_hint
from scheduling.solvers.explain import explain
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.explain import ScheduleConflict
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.neighbourhood.part import part_of
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


@given(
    choice_problems(
        max_jobs=2, shifts=True, efficiency=True, interruptible=True, windows=True, steps=True
    )
)
@settings(max_examples=60)
def test_cp_sat_finds_the_optimum_by_the_hours(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == best


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


@given(choice_problems(max_lags=False))
@settings(max_examples=80)
def test_insertion_is_valid_and_no_better_than_the_optimum(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    solution = sch.solve(problem, "insertion", work_limit=0.1, workers=1)
    if solution.tasks:
        assert best is not None
        assert tuple(tier.objective for tier in solution.tiers) >= best


@given(choice_problems())
@settings(max_examples=40)
def test_lns_stays_valid_and_proves_small_problems(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    solution = sch.solve(problem, "lns", work_limit=2.0, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == best


@given(choice_problems(max_jobs=4), st.integers(0, 2**10 - 1))
@settings(max_examples=60)
def test_parts_hold_the_schedule_and_give_valid_ones(problem: ScheduleProblem, free: int) -> None:
    data = CompiledSchedule(problem)
    whole = data.candidate(sch.solve(problem, "cp-sat", work_limit=20.0, workers=1))
    assume(whole is not None)
    assert whole is not None
    tasks = np.arange(data.arrays.n_tasks)
    part = part_of(data.arrays, whole, tasks, tasks[(free >> tasks) & 1 == 1], None)
    assert part.arrays.values(part.current.start, part.current.mode) == data.values(whole)
    formulation = Formulation(part.arrays, 0)
    set_hint(formulation.model, formulation.encode(part.current))
    result = run(formulation.model, sat_parameters(Budget(None, 5.0, 1, 0)))
    assert result.values is not None
    merged = part.merge(whole, formulation.decode(result.values))
    solution = data.answer(merged, {"status": Status.FEASIBLE})
    found = check_schedule(problem, solution)
    assert {entry.constraint for entry in found} <= {"objective", "status"}
    assert data.values(merged)[0] <= data.values(whole)[0]


@given(choice_problems())
@settings(max_examples=60)
def test_all_rules_together_are_the_problem(problem: ScheduleProblem) -> None:
    conflict = ScheduleConflict(problem)
    holds = conflict.holds(range(len(conflict.labels)), Budget(None, 50.0, 1, 0))
    assert holds == (optimum(problem) is not None)


@given(choice_problems(max_jobs=2, deadlines=True, tiers=1, measures=("cost",)))
@settings(max_examples=60)
def test_conflicts_are_real_and_minimal(problem: ScheduleProblem) -> None:
    assume(optimum(problem) is None)
    found = explain(problem, 60.0, workers=1)
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    conflict = ScheduleConflict(problem)
    members = sorted({conflict.labels.index(label) for label in found.conflict})
    budget = Budget(None, 50.0, 1, 0)
    assert conflict.holds(members, budget) is False
    for member in members:
        assert conflict.holds([index for index in members if index != member], budget) is True


def test_routes_and_mode_rules_in_words() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine("m")
    job = model.add_job("j", chain=True)
    model.add_task(job, duration=2, machine=machine, name="a")
    model.add_task(job, duration=2, optional=True, deadline=1, name="b")
    model.add_task(job, duration=2, optional=True, deadline=2, name="c")
    model.add_alternative([["b"], ["c"]], within="a")
    task = model.add_task(model.add_job("k"), name="d")
    model.add_mode(task, duration=1)
    model.add_mode(task, duration=2)
    model.add_mode_rule("a", 0, "d", [1])
    found = explain(model.build(), 20.0)
    assert [str(label) for label in found.conflict] == [
        "task 'a' takes 2 on machine 'm'",
        "task 'b' takes 2 or is skipped",
        "task 'b' must end by 1",
        "task 'c' takes 2 or is skipped",
        "task 'c' must end by 2",
        "in job 'j' task 'c' starts no earlier than task 'a' ends, unless 'b' runs between them",
        "exactly one route runs if task 'a' runs: 'b'; or 'c'",
    ]
    texts = [str(label) for label in ScheduleConflict(model.build()).labels]
    assert "if task 'a' runs in mode 0, task 'd' runs in mode 1" in texts
