"""The tabu solver on whole problems; its kernels have tests of their own."""

from __future__ import annotations

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.schedule.problem import ScheduleProblem
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solving import solve
from tests.strategies import schedule_problems

SHOPS = schedule_problems(
    renewables=0,
    consumables=0,
    calendars=False,
    deadlines=False,
    kinds=("end-start",),
    lags=False,
    max_lags=False,
    tiers=1,
    measures=("makespan", "max_lateness", "max_tardiness"),
).filter(lambda problem: len(problem.objective.tiers[0].terms) == 1)


@examples(60)
@given(SHOPS)
def test_tabu_is_valid_and_bounded(problem: ScheduleProblem) -> None:
    answer = solve(problem, "tabu", work_limit=0.02, workers=1)
    assert sch.check(problem, answer) == []
    optimum = brute_force(problem)
    assert optimum is not None
    assert answer.bound <= optimum[0] <= answer.objective


def shop(**job: int) -> ScheduleProblem:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    model.add_task(model.add_job(**job), duration=2, machine=machine)  # type: ignore[arg-type]
    return model.build()


def test_refusals() -> None:
    with pytest.raises(UnsupportedError, match="deadlines"):
        solve(shop(deadline=9), "tabu")
    late = shop(due=1).model_dump() | {"objective": "total_tardiness"}
    with pytest.raises(UnsupportedError, match="use lns"):
        solve(ScheduleProblem.model_validate(late), "tabu")
