from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import FAMILY, Candidate
from scheduling.solvers.schedule.genetic import Genetic
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def solve(
    problem: ScheduleProblem, work: float = 0.3, seed: int = 0, workers: int = 1
) -> ScheduleSolution:
    answer = sch.solve(problem, "genetic", work_limit=work, workers=workers, seed=seed)
    assert isinstance(answer, ScheduleSolution)
    assert not sch.check(problem, answer)
    return answer


def project(size: int, seed: int, modes: int = 1) -> ScheduleProblem:
    """A random project on two crews, with a stock when there are several modes."""
    rng = np.random.default_rng(seed)
    model = sch.ScheduleModel()
    crews = [model.add_renewable(8), model.add_renewable(6)]
    stock = model.add_consumable(5 * size)
    job = model.add_job()
    tasks: list[str] = []
    for number in range(size):
        task = model.add_task(job)
        for mode in range(modes):
            demands = {crew: int(rng.integers(0, 5)) for crew in crews}
            demands[stock] = int(rng.integers(3, 8)) - mode if modes > 1 else 0
            model.add_mode(task, duration=int(rng.integers(1, 10)) + 2 * mode, demands=demands)
        for before in rng.choice(number, min(number, 2), replace=False).tolist() if number else []:
            model.add_precedence(tasks[before], task)
        tasks.append(task)
    return model.build()


@examples(60)
@given(schedule_problems())
def test_answers_pass_the_check(problem: ScheduleProblem) -> None:
    solve(problem)


@examples(60)
@given(schedule_problems(max_tasks=2, tiers=1))
def test_never_beats_the_optimum(problem: ScheduleProblem) -> None:
    answer, best = solve(problem), brute_force(problem)
    if answer.tasks:
        assert best is not None
        assert answer.objective is not None
        assert best[0] <= answer.objective


@examples(60)
@given(schedule_problems(max_tasks=2, modes=1, kinds=("end-start",), max_lags=False, tiers=1))
def test_reaches_the_optimum_of_tiny_projects(problem: ScheduleProblem) -> None:
    """Some list gives an optimal active schedule of every regular measure."""
    best = brute_force(problem)
    if best is not None:
        answer = solve(problem, 1.0)
        assert answer.objective == best[0]


def test_better_than_one_pass_of_rules() -> None:
    problem = project(60, 1)
    rules = sch.solve(problem, "sgs", work_limit=0.05, workers=1).objective
    found = solve(problem, 10).objective
    assert rules is not None
    assert found is not None
    assert found < rules


def test_several_modes_and_a_stock() -> None:
    assert solve(project(30, 2, modes=3), 3).tasks


@pytest.mark.parametrize("modes", [1, 3])
def test_same_seed_same_answer(modes: int) -> None:
    problem = project(30, 3, modes)
    first, second = solve(problem, 2, seed=7), solve(problem, 2, seed=7)
    assert first.tasks == second.tasks


def test_later_tier_keeps_the_earlier_value() -> None:
    problem = project(20, 4).model_dump()
    problem["objective"] = ["makespan", "total_completion"]
    answer = solve(ScheduleProblem.model_validate(problem), 2)
    assert len(answer.tiers) == 2


def test_no_wait_job_shop_is_made_feasible() -> None:
    rng = np.random.default_rng(5)
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(3)]
    for _ in range(5):
        job = model.add_job(chain=True)
        tasks = [
            model.add_task(job, duration=int(rng.integers(1, 9)), machine=machines[m])
            for m in rng.permutation(3)
        ]
        for before, after in itertools.pairwise(tasks):
            model.add_precedence(before, after, max_lag=0)
    assert solve(model.build(), 2).tasks


def test_takes_up_what_others_post() -> None:
    """A schedule on the board is never answered by a worse one, and improves from there."""
    problem = project(40, 6)
    data = FAMILY.compile(problem)
    known = data.candidate(solve(problem, 5))
    assert known is not None
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(known, data.values(known), "other")
    Genetic().search(data, board, Budget(None, 0.5, 1, 9), None)
    assert board.objective is not None
    assert board.objective <= data.values(known)[0]


def test_stops_soon_after_the_board() -> None:
    data = FAMILY.compile(project(60, 7))
    board: Board[Candidate] = Board(0, (), time.monotonic())
    search = threading.Thread(
        target=Genetic().search, args=(data, board, Budget(None, None, 2, 0), None)
    )
    search.start()
    while board.best is None:
        time.sleep(0.01)
    board.stop()
    search.join(60)
    assert not search.is_alive()


def test_contradiction_is_infeasible() -> None:
    model = sch.ScheduleModel()
    job = model.add_job()
    first, second = model.add_task(job, duration=3), model.add_task(job, duration=3)
    model.add_precedence(first, second, kind="start-start", min_lag=5)
    model.add_precedence(first, second, kind="start-start", min_lag=None, max_lag=4)
    assert solve(model.build()).status is Status.INFEASIBLE


@pytest.mark.shared
def test_closes_an_instance_of_sixty_tasks(shared_data: Path) -> None:
    path = shared_data / "rcpsp" / "j60" / "j601_9.sm"
    assert os.access(path, os.R_OK)
    problem = sch.read(path)
    assert isinstance(problem, ScheduleProblem)
    assert solve(problem, 200).objective == 85
