"""Bounds that need an engine: never above the optimum, and better than the formulas."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import scheduling as sch
from scheduling.instances.files import read
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.mip.destructive import destructive_bound
from scheduling.solvers.schedule.mip.relaxation import lp_bound
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solving import solve
from tests.strategies import schedule_problems

Method = Callable[[CompiledSchedule, Board[Candidate], Budget], None]

MAXIMA = ("makespan", "max_lateness", "max_tardiness")
SUMS = ("total_completion", "total_flow", "total_tardiness", "late_jobs")


def raised(
    method: Method, problem: ScheduleProblem, work: float | None = None
) -> tuple[int, int] | None:
    """Bound by formula and bound after the method; ``None`` when infeasible by formula."""
    data = CompiledSchedule(problem)
    floors = data.bounds()
    if floors is None or floors[0] is None:
        return None
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.raise_bound(floors[0], "formula")
    method(data, board, Budget(None, work, 1, 0))
    assert board.bound is not None
    return floors[0], board.bound


def assert_valid(method: Method, problem: ScheduleProblem) -> None:
    optimum = brute_force(problem)
    if optimum is None:
        return
    found = raised(method, problem)
    assert found is not None
    assert found[0] <= found[1] <= optimum[0]


@examples(100)
@given(schedule_problems(max_jobs=3, max_tasks=2, measures=MAXIMA, tiers=1, feasible=True))
def test_destructive_bounds_hold(problem: ScheduleProblem) -> None:
    assert_valid(destructive_bound, problem)


@examples(60)
@given(schedule_problems(max_jobs=4, max_tasks=1, measures=SUMS, tiers=1, feasible=True))
def test_relaxations_hold_for_single_tasks(problem: ScheduleProblem) -> None:
    assert_valid(lp_bound, problem)


@examples(60)
@given(schedule_problems(max_jobs=2, max_tasks=3, measures=SUMS, tiers=1, feasible=True))
def test_relaxations_hold_for_jobs_of_several_tasks(problem: ScheduleProblem) -> None:
    assert_valid(lp_bound, problem)


def shop(objective: str, jobs: int = 6, machines: int = 4) -> ScheduleProblem:
    random = np.random.default_rng(5)
    model = sch.ScheduleModel()
    names = [model.add_machine() for _ in range(machines)]
    for _ in range(jobs):
        job = model.add_job(chain=True, due=int(random.integers(5, 30)))
        for machine in random.permutation(machines):
            model.add_task(job, duration=int(random.integers(1, 9)), machine=names[machine])
    model.minimize(objective)
    problem: ScheduleProblem = model.build()
    return problem


@pytest.mark.parametrize(
    ("method", "objective", "size"),
    [
        (destructive_bound, "makespan", (6, 4)),
        (lp_bound, "total_tardiness", (6, 4)),
        (lp_bound, "total_completion", (10, 3)),
        (lp_bound, "total_flow", (10, 3)),
    ],
)
def test_shops_get_better_bounds_than_by_formula(
    method: Method, objective: str, size: tuple[int, int]
) -> None:
    problem = shop(objective, *size)
    found = raised(method, problem)
    answer = solve(problem, "cp-sat", work_limit=1, workers=1)
    assert found is not None
    assert found[0] < found[1] <= answer.objective


@pytest.mark.parametrize(
    ("method", "objective"), [(destructive_bound, "total_flow"), (lp_bound, "makespan")]
)
def test_other_measures_are_left_alone(method: Method, objective: str) -> None:
    found = raised(method, shop(objective))
    assert found is not None
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("method", "objective"), [(destructive_bound, "makespan"), (lp_bound, "total_tardiness")]
)
def test_the_work_limit_is_kept_and_deterministic(method: Method, objective: str) -> None:
    problem = shop(objective)
    assert raised(method, problem, 0.1) == raised(method, problem, 0.1)
    data = CompiledSchedule(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.raise_bound(-1, "formula")
    board.stop()
    method(data, board, Budget(None, None, 1, 0))
    assert board.bound == -1


@pytest.mark.shared
def test_destructive_bounds_close_projects_that_formulas_leave_open(shared_data: Path) -> None:
    problem = read(shared_data / "rcpsp" / "j60" / "j6033_1.sm")
    assert isinstance(problem, ScheduleProblem)
    assert raised(destructive_bound, problem) == (94, 105)
