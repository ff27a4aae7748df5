"""First schedules under maximal lags."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board
from scheduling.solvers.schedule.family import FAMILY, Candidate
from scheduling.solvers.schedule.greedy import respects_limits
from scheduling.solvers.schedule.lagged import lagged_schedule
from tests.strategies import schedule_problems


@given(schedule_problems(), st.integers(0, 100))
def test_what_keeps_the_limits_is_valid(problem: ScheduleProblem, seed: int) -> None:
    arrays = compile_arrays(problem)
    priority = np.random.default_rng(seed).permutation(arrays.n_tasks)
    candidate = lagged_schedule(arrays, priority)
    if candidate is None or not respects_limits(arrays, candidate):
        return
    compiled = FAMILY.compile(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(candidate, compiled.values(candidate), "lagged")
    answer = compiled.answer(board.best, {"status": "feasible"})
    kinds = {violation.constraint for violation in sch.check(problem, answer)}
    assert kinds <= {"objective", "status"}


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_jobs_without_waiting_always_have_a_first_schedule(
    jobs: int, machines: int, seed: int
) -> None:
    problem = generate("no-wait-job-shop", {"jobs": jobs, "machines": machines, "seed": seed})
    answer = sch.solve(problem, "sgs", time_limit=1e-9)
    assert answer.objective >= answer.bound > 0


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6])
def test_projects_with_lags_have_a_first_schedule_before_any_search(seed: int) -> None:
    problem = generate("project-with-lags", {"tasks": 20, "seed": seed})
    answer = sch.solve(problem, "sgs", time_limit=1e-9)
    assert answer.objective >= answer.bound > 0


def test_a_circle_that_delays_itself_is_repaired() -> None:
    """The second task fits only when the first one, placed before it, starts later."""
    model = sch.ScheduleModel()
    crew = model.add_renewable(2)
    job = model.add_job()
    ahead = model.add_task(model.add_job(), duration=4, demands={crew: 1})
    first = model.add_task(job, duration=1, demands={crew: 1})
    second = model.add_task(job, duration=1, demands={crew: 2})
    model.add_precedence(ahead, first, kind="start-start")
    model.add_precedence(first, second, max_lag=1)
    arrays = compile_arrays(model.build())
    found = lagged_schedule(arrays, np.arange(3))
    assert found is not None
    assert respects_limits(arrays, found)
    assert sorted(found.start.tolist()) == [0, 2, 4]
