"""First schedules under maximal lags."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.schedule.arrays import NEVER
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board
from scheduling.solvers.schedule.family import FAMILY, Candidate
from scheduling.solvers.schedule.greedy import respects_limits
from scheduling.solvers.schedule.lagged import lagged_schedule
from scheduling.solvers.schedule.unscheduling import longest_paths
from tests.properties import examples
from tests.solving import solve
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


@pytest.mark.usefixtures("patient")
@examples(20)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 1000))
def test_jobs_without_waiting_always_have_a_first_schedule(
    jobs: int, machines: int, seed: int
) -> None:
    problem = generate("no-wait-job-shop", {"jobs": jobs, "machines": machines, "seed": seed})
    answer = sch.solve(problem, "sgs", time_limit=1e-9)
    assert answer.objective >= answer.bound > 0


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 6])
def test_projects_with_lags_have_a_first_schedule_before_any_search(seed: int) -> None:
    problem = generate("project-with-lags", {"tasks": 20, "seed": seed})
    answer = sch.solve(problem, "sgs", time_limit=1e-9)
    assert answer.objective >= answer.bound > 0


def tied_project(tasks: int, seed: int, slack: float) -> ScheduleProblem:
    """State a project whose lags, by which all of its tasks hang together, a known schedule keeps.

    Tasks are placed one by one where they fit; lags are what lies between starts, and the largest
    ones by a share more.
    """
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 11, tasks)
    demand = rng.integers(1, 6, (tasks, 2))
    use = np.zeros((int(duration.sum()) + 1, 2), np.int64)
    start = np.zeros(tasks, np.int64)
    for task in range(tasks):
        time = int(start[max(0, task - 10)])
        while np.any(use[time : time + duration[task]] + demand[task] > 12):
            time += 1
        use[time : time + duration[task]] += demand[task]
        start[task] = time
    order = np.argsort(start, kind="stable")
    model = sch.ScheduleModel()
    crews = [model.add_renewable(int(units)) for units in use.max(axis=0)]
    refs = [
        model.add_task(
            model.add_job(), duration=int(length), demands=dict(zip(crews, row, strict=True))
        )
        for length, row in zip(duration.tolist(), demand.tolist(), strict=True)
    ]
    for place in range(tasks - 1):
        for reach, most in ((30, None), (15, slack)):
            other = min(tasks - 1, place + 1 + int(rng.integers(reach)))
            gap = int(start[order[other]] - start[order[place]])
            least = int(rng.integers(gap + 1)) if most is None else 0
            largest = None if most is None else int(np.ceil(gap * (1 + most))) + 4
            first, second = refs[order[place]], refs[order[other]]
            model.add_precedence(first, second, kind="start-start", min_lag=least, max_lag=largest)
    return model.build()


@pytest.mark.parametrize(("tasks", "slack"), [(50, 0.1), (200, 0.3), (500, 0.5)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_projects_that_hang_together_have_a_first_schedule(
    tasks: int, slack: float, seed: int
) -> None:
    arrays = compile_arrays(tied_project(tasks, seed, slack))
    found = lagged_schedule(arrays, np.arange(tasks))
    assert found is not None
    assert respects_limits(arrays, found)


def test_auto_has_a_first_schedule_of_a_project_that_hangs_together() -> None:
    problem = tied_project(200, 0, 0.3)
    answer = solve(problem, "auto", work_limit=0.05, workers=1)
    assert answer.objective >= answer.bound > 0
    assert solve(problem, "cp-sat", work_limit=0.05, workers=1).objective is None


def test_a_first_schedule_is_given_up_when_time_is_over() -> None:
    arrays = compile_arrays(tied_project(500, 0, 0.1))
    assert lagged_schedule(arrays, np.arange(500), lambda: True) is None


@examples(100)
@given(st.integers(1, 7), st.data())
def test_longest_paths_are_those_of_all_ways(size: int, data: st.DataObject) -> None:
    node = st.integers(0, size - 1)
    lags = data.draw(st.lists(st.tuples(node, node, st.integers(-6, 3)), max_size=20))
    best = {(u, u): 0 for u in range(size)}
    for _ in range(2 * size):
        for u, v, weight in lags:
            for source in range(size):
                if (source, u) in best:
                    value = best[source, u] + weight
                    best[source, v] = max(best.get((source, v), value), value)
    found = longest_paths(size, lags, lambda: False)
    if any(best[u, u] > 0 for u in range(size)):
        assert found is None
        return
    assert found is not None
    expected = [[best.get((u, v), -NEVER) for v in range(size)] for u in range(size)]
    assert found.tolist() == expected


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
