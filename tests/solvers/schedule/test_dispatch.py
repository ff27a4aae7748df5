"""Dispatching: valid on every shop, non-delay and active, own rules, refusals."""

from __future__ import annotations

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.dispatch import Dispatch, GifflerThompson
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES
from tests.brute_force import brute_force
from tests.strategies import schedule_problems

SHOPS = schedule_problems(
    renewables=0, consumables=0, kinds=("end-start",), lags=False, max_lags=False, tiers=1
)


@pytest.mark.parametrize("solver", ["dispatch", "giffler-thompson"])
@given(problem=SHOPS)
def test_dispatched_schedules_are_valid_and_bounded(solver: str, problem: ScheduleProblem) -> None:
    answer = sch.solve(problem, solver)
    assert sch.check(problem, answer) == []
    optimum = brute_force(problem)
    if answer.tasks:
        assert optimum is not None
        assert answer.bound <= optimum[0] <= answer.objective
    if answer.status is Status.INFEASIBLE:
        assert optimum is None


def one_machine(durations: list[int], **due: int) -> ScheduleProblem:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    for number, duration in enumerate(durations):
        job = model.add_job(f"J{number}", due=due.get(f"J{number}"))
        model.add_task(job, duration=duration, machine=machine)
    model.minimize("total_completion")
    return model.build()


def test_spt_is_optimal_for_total_completion_on_one_machine() -> None:
    answer = sch.solve(one_machine([5, 1, 3]), "dispatch:SPT")
    assert answer.objective == 1 + 4 + 9
    assert [task.start for task in answer.tasks] == [4, 0, 1]


@pytest.mark.parametrize("rule", [*RULES, *DUE_RULES])
@pytest.mark.parametrize("kind", [Dispatch, GifflerThompson])
def test_every_rule_dispatches(kind: type[Dispatch], rule: str) -> None:
    problem = one_machine([5, 1, 3], J0=4, J2=9)
    answer = sch.solve(problem, kind(rule))
    assert sch.check(problem, answer) == []
    assert answer.solver.endswith(rule)


def test_giffler_thompson_waits_for_a_better_task() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    long, urgent = model.add_job("long"), model.add_job("urgent", release=1, due=2)
    model.add_task(long, duration=9, machine=machine)
    model.add_task(urgent, duration=1, machine=machine)
    model.minimize("total_tardiness")
    problem = model.build()
    assert sch.solve(problem, "dispatch:EDD").objective == 8
    assert sch.solve(problem, "giffler-thompson:EDD").objective == 0


def test_refusals_name_the_way_out() -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(1)
    model.add_task(model.add_job(), duration=1, demands={crew: 1})
    with pytest.raises(UnsupportedError, match="use sgs"):
        sch.solve(model.build(), "dispatch")
    with pytest.raises(UnsupportedError, match="no dispatching rule 'XYZ'"):
        sch.solve(one_machine([1]), "dispatch:XYZ")
