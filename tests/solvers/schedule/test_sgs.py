from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import FAMILY, Candidate
from scheduling.solvers.schedule.greedy import greedy_schedule, respects_limits
from scheduling.solvers.schedule.rules import DUE_RULES, RULES, TaskFeatures, task_features
from scheduling.solvers.schedule.sgs import ScheduleGeneration, first_modes
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def solve(problem: ScheduleProblem, work: float = 0.02, seed: int = 0) -> ScheduleSolution:
    answer = sch.solve(problem, "sgs", work_limit=work, workers=1, seed=seed)
    assert isinstance(answer, ScheduleSolution)
    assert not sch.check(problem, answer)
    return answer


def job_shop(jobs: int, machines: int, seed: int) -> ScheduleProblem:
    rng = np.random.default_rng(seed)
    model = sch.ScheduleModel()
    for m in range(machines):
        model.add_machine(f"m{m}")
    for j in range(jobs):
        job = model.add_job(f"j{j}", chain=True)
        for m in rng.permutation(machines).tolist():
            model.add_task(job, duration=int(rng.integers(1, 100)), machine=f"m{m}")
    return model.build()


@given(schedule_problems(max_lags=False, deadlines=False, feasible=True, kinds=("end-start",)))
def test_always_finds_a_schedule_without_maximal_lags(problem: ScheduleProblem) -> None:
    assert solve(problem).tasks


@given(schedule_problems())
def test_answers_pass_the_check(problem: ScheduleProblem) -> None:
    solve(problem)


@examples(60)
@given(schedule_problems(max_tasks=2, tiers=1))
def test_lies_between_the_optimum_and_nothing(problem: ScheduleProblem) -> None:
    answer = solve(problem)
    best = brute_force(problem)
    if answer.status is Status.INFEASIBLE:
        assert best is None
    elif answer.tasks:
        assert best is not None
        assert answer.objective is not None
        assert best[0] <= answer.objective


@examples(60)
@given(schedule_problems(max_tasks=2, modes=1, precedences=0, deadlines=False, tiers=1))
def test_reaches_the_optimum_without_links(problem: ScheduleProblem) -> None:
    """Active schedules contain an optimum of every regular measure."""
    best = brute_force(problem)
    if best is not None:
        assert solve(problem, work=0.5).objective == best[0]


@given(schedule_problems())
def test_plain_pass_keeps_all_but_the_limits_it_names(problem: ScheduleProblem) -> None:
    arrays = compile_arrays(problem)
    candidate = greedy_schedule(arrays, np.arange(arrays.n_tasks))
    if candidate is None or not respects_limits(arrays, candidate):
        return
    compiled = FAMILY.compile(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(candidate, compiled.values(candidate), "plain")
    kinds = {
        violation.constraint
        for violation in sch.check(problem, compiled.answer(candidate, {"status": "feasible"}))
    }
    assert kinds <= {"objective", "status"}


def test_first_schedule_needs_no_engine() -> None:
    """The plain pass answers for 2,000 tasks in a process that has not loaded numba."""
    script = (
        "import sys, numpy as np, scheduling as sch\n"
        "from scheduling.models.schedule.compiling import compile_arrays\n"
        "from scheduling.solvers.schedule.greedy import greedy_schedule, respects_limits\n"
        "from scheduling.solvers.schedule.sgs import ScheduleGeneration\n"
        "model = sch.ScheduleModel()\n"
        "crew = model.add_renewable(3)\n"
        "job = model.add_job(chain=True)\n"
        "for _ in range(2000): model.add_task(job, duration=2, demands={crew: 2})\n"
        "arrays = compile_arrays(model.build())\n"
        "found = greedy_schedule(arrays, np.arange(2000))\n"
        "assert respects_limits(arrays, found) and found.start[-1] == 3998\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_same_seed_same_answer() -> None:
    problem = job_shop(8, 5, 1)
    first, second = solve(problem, 0.3, seed=5), solve(problem, 0.3, seed=5)
    assert first.tasks == second.tasks
    assert first.objective == second.objective


def test_own_rule_decides_the_order() -> None:
    model = sch.ScheduleModel()
    lathe = model.add_machine("lathe")
    for number in range(4):
        model.add_task(model.add_job(), duration=number + 1, machine=lathe)
    model.minimize("total_completion")
    compiled = FAMILY.compile(model.build())
    seen: list[int] = []

    def longest_first(tasks: TaskFeatures) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        seen.append(len(tasks.duration))
        return -tasks.duration

    values = []
    for rule in (longest_first, "SPT"):
        board: Board[Candidate] = Board(0, (), time.monotonic())
        solver = ScheduleGeneration(rule)
        budget = Budget(None, 1e-9, 1, 0)
        solver.search(compiled, board, budget, None)
        values.append(board.history[0][1])
    assert seen == [4]
    assert values == [4 + 7 + 9 + 10, 1 + 3 + 6 + 10]


def test_unknown_rule_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="no priority rule 'NOPE'"):
        ScheduleGeneration("NOPE")


@pytest.mark.parametrize("name", [*RULES, *DUE_RULES])
@examples(10)
@given(problem=schedule_problems(max_lags=False, deadlines=False, feasible=True))
def test_every_rule_gives_finite_priorities(name: str, problem: ScheduleProblem) -> None:
    features = task_features(compile_arrays(problem))
    assert features is not None
    values = {**RULES, **DUE_RULES}[name](features)
    assert values.shape == (len(problem.tasks),)
    assert np.isfinite(values).all()


def test_first_modes_respect_stocks_when_they_can() -> None:
    from scheduling.solvers.schedule.kernels.project import make_project

    model = sch.ScheduleModel()
    stock = model.add_consumable(4)
    for _ in range(4):
        task = model.add_task(model.add_job(), duration=1, demands={stock: 3})
        model.add_mode(task, duration=5, demands={stock: 1})
    project = make_project(compile_arrays(model.build()))
    assert project is not None
    assert first_modes(project).tolist() == [1, 3, 5, 7]


def test_maximal_lags_are_kept_by_unscheduling() -> None:
    """Two no-wait jobs whose second step is blocked by a break and by each other."""
    model = sch.ScheduleModel()
    night = model.add_calendar([(4, 10)])
    cut, bake = model.add_machine("cut"), model.add_machine("bake", calendar=night)
    for _ in range(2):
        job = model.add_job()
        first = model.add_task(job, duration=2, machine=cut)
        second = model.add_task(job, duration=3, machine=bake)
        model.add_precedence(first, second, max_lag=0)
    answer = solve(model.build())
    assert answer.objective == 16


def test_task_that_never_fits_proves_infeasibility() -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(3, steps=[(5, 1)])
    model.add_task(model.add_job(), duration=6, demands={crew: 2})
    assert solve(model.build()).status is Status.INFEASIBLE


def test_long_durations_use_events_and_short_ones_packed_words() -> None:
    """Both forms of the profile give the same schedules."""
    from scheduling.solvers.schedule.kernels.project import PACKED, make_project

    objectives = []
    for scale in (1, 1000):
        model = sch.ScheduleModel()
        crew = model.add_renewable(4, steps=[(10 * scale, 2), (20 * scale, 5)])
        rng = np.random.default_rng(3)
        job = model.add_job()
        tasks = [
            model.add_task(job, duration=int(rng.integers(1, 9)) * scale, demands={crew: int(d)})
            for d in rng.integers(1, 3, 20)
        ]
        for before, after in zip(tasks, tasks[5:], strict=False):
            model.add_precedence(before, after)
        problem = model.build()
        project = make_project(compile_arrays(problem))
        assert project is not None
        assert bool(project.facts[PACKED]) == (scale == 1)
        value = solve(problem, 0.2).objective
        assert value is not None
        objectives.append(value / scale)
    assert objectives[0] == objectives[1]
