"""Shops with operators: ample ones are dropped, scarce ones searched for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.explain import explain
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.slack import without_slack
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solving import solve


def crewed_shop(
    jobs: list[list[tuple[int, int, int]]], crew: int, **fields: Any
) -> ScheduleProblem:
    """Return a job shop whose rows are jobs of (machine, duration, operators)."""
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(3)]
    operators = model.add_renewable(crew, **fields)
    for row in jobs:
        job = model.add_job(chain=True)
        for machine, duration, amount in row:
            model.add_task(
                job, duration=duration, machine=machines[machine], demands={operators: amount}
            )
    return model.build()


STEPS = st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 2))


@examples(25)
@given(
    jobs=st.lists(st.lists(STEPS, min_size=1, max_size=2), min_size=1, max_size=3),
    crew=st.integers(2, 4),
)
def test_crewed_shops_are_solved_within_their_bounds(
    jobs: list[list[tuple[int, int, int]]], crew: int
) -> None:
    problem = crewed_shop(jobs, crew)
    optimum = brute_force(problem)
    assert optimum is not None
    assert solve(problem, "cp-sat", work_limit=2, workers=1).objective == optimum[0]
    if len(CompiledSchedule(problem).arrays.demand_amount):
        answer = solve(problem, "crews", work_limit=1, workers=1)
        assert sch.check(problem, answer) == []
        assert answer.bound <= optimum[0] <= answer.objective


def test_demands_that_all_machines_together_cannot_exceed_are_dropped() -> None:
    row = [(0, 3, 2), (1, 2, 1), (2, 2, 1)]
    assert len(CompiledSchedule(crewed_shop([row, row], crew=4)).arrays.demand_amount) == 0
    assert len(CompiledSchedule(crewed_shop([row, row], crew=3)).arrays.demand_amount) == 6
    fewer_later = crewed_shop([row, row], crew=4, steps=[(2, 2)])
    assert len(CompiledSchedule(fewer_later).arrays.demand_amount) == 6


def test_a_crew_that_is_gone_after_its_break_is_no_ample_one() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    closed_first = model.add_calendar([(0, 1)])
    crew = model.add_renewable(1, steps=[(1, 0)], calendar=closed_first)
    model.add_task(model.add_job(), duration=1, machine=machine, demands={crew: 1})
    assert solve(model.build(), "auto", work_limit=1, workers=1).status is Status.INFEASIBLE


def test_tasks_without_a_machine_count_one_by_one() -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(2)
    for _ in range(3):
        model.add_task(model.add_job(), duration=2, demands={crew: 1})
    arrays = compile_arrays(model.build())
    assert without_slack(arrays) is arrays


def test_other_problems_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="use genetic"):
        solve(crewed_shop([[(0, 3, 1)]], crew=1), "crews")
    dated = crewed_shop([[(0, 3, 1), (1, 2, 1)], [(1, 3, 1)]], crew=1).model_dump()
    dated["objective"] = {"tiers": [{"terms": [{"measure": "total_completion"}]}]}
    with pytest.raises(UnsupportedError, match="minimises one of"):
        solve(ScheduleProblem.model_validate(dated), "crews")


def test_auto_proves_a_shop_whose_operators_are_enough() -> None:
    row = [(0, 3, 1), (1, 5, 1), (2, 2, 1)]
    answer = solve(crewed_shop([row, row, row[::-1]], crew=3), "auto", work_limit=2, workers=1)
    plain = solve(crewed_shop([[(m, d, 0) for m, d, _ in r] for r in (row, row, row[::-1])], 3))
    assert answer.status == plain.status
    assert answer.objective == plain.objective


def test_a_crew_that_never_works_is_explained() -> None:
    model = sch.ScheduleModel()
    never = model.add_calendar(period=1, periodic=[(0, 1)])
    crew = model.add_renewable(1, calendar=never)
    model.add_task(model.add_job(), duration=1, demands={crew: 1})
    found = explain(model.build(), 60.0, workers=1)
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    assert "calendar" in {label.kind for label in found.conflict}
