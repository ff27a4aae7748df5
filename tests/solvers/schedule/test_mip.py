"""The mixed-integer formulations against brute force, CP-SAT and each other."""

from __future__ import annotations

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
from scheduling.solvers.linear.highs import Highs, relax
from scheduling.solvers.linear.result import Limits
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.mip import choice, stating
from scheduling.solvers.schedule.mip.choice import choose, count_pairs, count_steps
from scheduling.solvers.schedule.mip.disjunctive import Disjunctive
from scheduling.solvers.schedule.mip.frame import Frame
from scheduling.solvers.schedule.mip.solver import Mip
from scheduling.solvers.schedule.mip.time_indexed import TimeIndexed
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems

Kind = type[TimeIndexed] | type[Disjunctive]


def solve_as(kind: Kind, problem: ScheduleProblem, **options: object) -> ScheduleSolution:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stating, "choose", lambda frame, tier: kind)
        solution: ScheduleSolution = sch.solve(
            problem,
            "mip",
            time_limit=1e6,
            workers=1,
            **options,  # type: ignore[arg-type]
        )
    return solution


def assert_optimal(problem: ScheduleProblem, solution: ScheduleSolution) -> None:
    optimum = brute_force(problem)
    if optimum is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == optimum


@examples(80)
@given(schedule_problems(max_jobs=3, max_tasks=2))
def test_time_indexed_equals_brute_force(problem: ScheduleProblem) -> None:
    assert_optimal(problem, solve_as(TimeIndexed, problem))


@examples(80)
@given(schedule_problems(max_jobs=3, max_tasks=2, renewables=0))
def test_disjunctive_equals_brute_force(problem: ScheduleProblem) -> None:
    assert_optimal(problem, solve_as(Disjunctive, problem))


@examples(40)
@given(schedule_problems(max_jobs=4, max_tasks=2, renewables=0, feasible=True))
def test_both_formulations_and_cp_sat_agree(problem: ScheduleProblem) -> None:
    answers = [solve_as(kind, problem) for kind in (TimeIndexed, Disjunctive)]
    answers.append(sch.solve(problem, "cp-sat", time_limit=1e6, workers=1))
    values = [[tier.objective for tier in answer.tiers] for answer in answers]
    assert all(answer.status is Status.OPTIMAL for answer in answers)
    assert values[0] == values[1] == values[2]


@examples(25)
@given(schedule_problems(max_jobs=3, max_tasks=1, feasible=True))
def test_an_engine_behind_pyomo_agrees(problem: ScheduleProblem) -> None:
    assert_optimal(problem, sch.solve(problem, "mip:appsi_highs", time_limit=1e6, workers=1))


@pytest.mark.parametrize("solver", ["mip", "mip:appsi_highs"])
def test_tasks_without_length_in_a_disjunctive_group(solver: str) -> None:
    """Lengths 1, 0 and 2, the last with two equal modes: a program that HiGHS 1.14 gets wrong."""
    model = sch.ScheduleModel("group")
    one = model.add_task(model.add_job(), duration=1)
    none = model.add_task(model.add_job(weight=0), duration=0)
    two = model.add_task(model.add_job())
    model.add_mode(two, duration=2)
    model.add_mode(two, duration=2)
    model.keep_apart([one, none, two])
    model.minimize("total_completion")
    assert sch.solve(model.build(), solver, time_limit=1e6, workers=1).objective == 4


def test_tasks_that_never_fit_one_machine_together_may_still_avoid_it() -> None:
    model = sch.ScheduleModel("apart")
    machine = model.add_machine()
    model.add_task(model.add_job(deadline=1), duration=1, machine=machine)
    free = model.add_task(model.add_job(deadline=1))
    model.add_mode(free, duration=1, machine=machine)
    model.add_mode(free, duration=1)
    problem: ScheduleProblem = model.build()
    solution = solve_as(Disjunctive, problem)
    assert solution.status is Status.OPTIMAL
    assert solution.objective == 1


@examples(40)
@given(schedule_problems(max_jobs=3, max_tasks=2, renewables=0, feasible=True))
def test_encoded_candidates_satisfy_every_row(problem: ScheduleProblem) -> None:
    answer = sch.solve(problem, "cp-sat", time_limit=1e6, workers=1)
    data = CompiledSchedule(problem)
    candidate = data.candidate(answer)
    frame = Frame.of(data.arrays)
    assert candidate is not None
    assert frame is not None
    for kind in (TimeIndexed, Disjunctive):
        formulation = kind(frame, 0, ())
        values = formulation.encode(candidate)
        model = formulation.model
        matrix = model.matrix()
        column = np.repeat(np.arange(model.n_columns), np.diff(matrix.start))
        body = np.bincount(matrix.index, matrix.value * values[column], minlength=model.n_rows)
        lower, upper = model.sides()
        assert np.all(body >= lower - 1e-9)
        assert np.all(body <= upper + 1e-9)
        assert np.all(values >= model.bounds()[0])
        assert np.all(values <= model.bounds()[1])
        assert model.costs() @ values + model.offset == data.values(candidate)[0]
        decoded = formulation.decode(values)
        assert decoded is not None
        assert data.values(decoded)[0] <= data.values(candidate)[0]


def shop(jobs: int, machines: int, objective: str = "makespan") -> ScheduleProblem:
    random = np.random.default_rng(3)
    model = sch.ScheduleModel("shop")
    names = [model.add_machine() for _ in range(machines)]
    for _ in range(jobs):
        job = model.add_job(chain=True, due=int(random.integers(5, 12 * machines)))
        for machine in random.permutation(machines):
            model.add_task(job, duration=int(random.integers(1, 9)), machine=names[machine])
    model.minimize(objective)
    problem: ScheduleProblem = model.build()
    return problem


@pytest.mark.parametrize(
    ("objective", "kind"), [("makespan", Disjunctive), ("total_tardiness", TimeIndexed)]
)
def test_the_formulation_follows_the_objective(objective: str, kind: Kind) -> None:
    frame = Frame.of(CompiledSchedule(shop(4, 3, objective)).arrays)
    assert frame is not None
    assert choose(frame, 0) is kind


def test_what_is_too_large_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = shop(4, 3)
    data = CompiledSchedule(problem)
    frame = Frame.of(data.arrays)
    assert frame is not None
    assert count_pairs(frame) == 18
    assert count_steps(frame) > 100
    monkeypatch.setattr(choice, "MAX_PAIRS", 17)
    assert Mip().refusal(data) is None
    monkeypatch.setattr(choice, "MAX_STEPS", 100)
    refusal = Mip().refusal(data)
    assert refusal is not None
    assert "18 pairs" in refusal
    assert "cp-sat" in refusal
    with pytest.raises(sch.UnsupportedError, match="mode-time pairs"):
        sch.solve(problem, "mip", time_limit=5)


@pytest.mark.parametrize("place", ["machine", "renewable"])
def test_windows_may_lie_far_out(place: str) -> None:
    """What is stated grows with the windows of the tasks, and not with the time before them."""
    opens = 10**12
    on_machine = place == "machine"
    resource = {"type": place, "id": "r", "calendar": "late"}
    mode = {"duration": 2, **({"machine": "r"} if on_machine else {"demands": {"r": 1}})}
    problem = ScheduleProblem.model_validate(
        {
            "resources": [resource if on_machine else {**resource, "capacity": 1}],
            "calendars": [{"id": "late", "breaks": [{"start": 0, "end": opens}]}],
            "jobs": [{"id": name, "tasks": [{"id": name, "modes": [mode]}]} for name in "ab"],
        }
    )
    answer = sch.solve(problem, "mip", work_limit=5, workers=1)
    assert answer.objective == opens + 4


def test_missing_engines_are_refused_with_the_reason() -> None:
    with pytest.raises(sch.UnsupportedError, match="nonsense"):
        sch.solve(shop(2, 2), "mip:nonsense", time_limit=5)


@pytest.mark.parametrize("kind", [TimeIndexed, Disjunctive])
def test_a_hint_is_never_made_worse(kind: Kind) -> None:
    problem = shop(5, 3)
    hint = sch.solve(problem, "cp-sat", time_limit=1e6, workers=1)
    again = solve_as(kind, problem, hint=hint)
    assert again.objective == hint.objective
    assert again.status is Status.OPTIMAL


def test_the_work_limit_is_deterministic() -> None:
    problem = shop(6, 3, "total_tardiness")
    answers = [sch.solve(problem, "mip", work_limit=0.6, workers=1, seed=5) for _ in range(2)]
    first, second = (
        [answer.tasks, answer.tiers, [point[1:] for point in answer.history]] for answer in answers
    )
    assert first == second


def test_the_board_hears_solutions_and_bounds_while_it_runs_and_can_stop_it() -> None:
    data = CompiledSchedule(shop(12, 6))
    board: Board[Candidate] = Board(0, (), time.monotonic())
    budget = Budget(time.monotonic() + 60, None, 1, 0)
    solver = threading.Thread(target=Mip().search, args=(data, board, budget, None))
    solver.start()
    while solver.is_alive() and (board.best is None or board.bound is None):
        time.sleep(0.01)
    assert board.best is not None
    assert board.bound is not None
    assert board.bound <= data.values(board.best)[0]
    board.stop()
    solver.join(30)
    assert not solver.is_alive()


def test_step_variables_bound_sums_better_than_orders() -> None:
    frame = Frame.of(CompiledSchedule(shop(5, 3, "total_tardiness")).arrays)
    assert frame is not None
    bounds = [
        relax(kind(frame, 0, ()).model, Limits()).bound for kind in (Disjunctive, TimeIndexed)
    ]
    assert bounds[0] is not None
    assert bounds[1] is not None
    assert bounds[0] < bounds[1]


def test_the_model_can_be_written(tmp_path: Path) -> None:
    frame = Frame.of(CompiledSchedule(shop(2, 2)).arrays)
    assert frame is not None
    path = tmp_path / "shop.mps"
    Highs().write_mps(Disjunctive(frame, 0, ()).model, path)
    text = path.read_text()
    assert "order[0]" in text
    assert "one_mode[0]" in text, "the fields of a line end at blanks"
