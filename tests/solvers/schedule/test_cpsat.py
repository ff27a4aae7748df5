from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from ortools.sat.python import cp_model

import scheduling as sch
from scheduling.errors import SolverError, UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat import running
from scheduling.solvers.cpsat.running import Outcome
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.cpsat.solver import CpSat, bounding
from scheduling.solvers.schedule.cpsat.windows import subtract
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def job_shop(jobs: int, machines: int, seed: int = 1) -> ScheduleProblem:
    rng = np.random.default_rng(seed)
    model = sch.ScheduleModel("job shop")
    names = [model.add_machine(f"m{number}") for number in range(machines)]
    for number in range(jobs):
        job = model.add_job(f"j{number}", chain=True)
        for machine in rng.permutation(machines):
            model.add_task(job, duration=int(rng.integers(1, 99)), machine=names[machine])
    return model.build()


def flexible_shop() -> ScheduleProblem:
    model = sch.ScheduleModel("flexible")
    names = [model.add_machine(f"m{number}") for number in range(3)]
    crew = model.add_renewable(2, steps=[(10, 1), (20, 2)], name="crew")
    for number in range(4):
        job = model.add_job(f"j{number}", chain=True, due=9 + number, weight=number + 1)
        for step in range(3):
            task = model.add_task(job)
            for choice in range(2):
                machine = names[(number + step + choice) % 3]
                duration = 2 + (number * step + choice) % 4
                model.add_mode(task, duration=duration, machine=machine, demands={crew: 1})
    model.minimize(["total_tardiness", {"makespan": 2, "late_jobs": 1}, "max_lateness"])
    return model.build()


def solve(problem: ScheduleProblem, **options: object) -> sch.ScheduleSolution:
    limits = {"work_limit": 20.0, "workers": 1, **options}
    solution: sch.ScheduleSolution = sch.solve(problem, "cp-sat", **limits)  # type: ignore[arg-type]
    return solution


@given(schedule_problems())
@examples(120)
def test_equals_brute_force(problem: ScheduleProblem) -> None:
    expected = brute_force(problem)
    solution = solve(problem)
    if expected is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == expected


@given(schedule_problems(feasible=True, tiers=1))
@examples(40)
def test_hint_is_complete_and_accepted(problem: ScheduleProblem) -> None:
    solution = solve(problem)
    data = CompiledSchedule(problem)
    candidate = data.candidate(solution)
    assert candidate is not None
    formulation = Formulation(data.arrays, 0)
    if formulation.infeasible:
        pytest.fail("windows refuse a problem that has a schedule")
    values = formulation.encode(candidate)
    assert len(values) == len(formulation.model.proto.variables)
    running.set_hint(formulation.model, values)
    parameters = sat_parameters(Budget(None, 10.0, 1, 0))
    parameters.fix_variables_to_their_hinted_value = True
    result = running.run(formulation.model, parameters)
    assert result.outcome is Outcome.OPTIMAL
    assert result.values == values
    decoded = formulation.decode(values)
    assert decoded.start.tolist() == candidate.start.tolist()
    assert decoded.mode.tolist() == candidate.mode.tolist()
    assert result.bound == solution.objective


def test_log_says_that_the_hint_is_complete_and_feasible() -> None:
    problem = flexible_shop()
    data = CompiledSchedule(problem)
    candidate = data.candidate(solve(problem))
    assert candidate is not None
    formulation = Formulation(data.arrays, 0)
    running.set_hint(formulation.model, formulation.encode(candidate))
    solver = cp_model.CpSolver()
    # Otherwise CP-SAT leaves the process, and all later tests, without a handler for Ctrl-C.
    solver.parameters.catch_sigint_signal = False
    solver.parameters.num_workers = 1
    solver.parameters.log_search_progress = True
    solver.parameters.log_to_stdout = False
    lines: list[str] = []
    solver.log_callback = lines.append
    solver.solve(formulation.model)
    log = "\n".join(lines)
    assert "The solution hint is complete and is feasible" in log


def test_every_native_status_is_in_the_table() -> None:
    assert set(running.STATUSES) == set(cp_model.CpSolverStatus.__members__)


def test_invalid_model_is_a_solver_error() -> None:
    model = cp_model.CpModel()
    model.new_int_var(0, 1, "x")
    model.proto.constraints.add().linear.vars.append(7)
    with pytest.raises(SolverError, match="CP-SAT rejects the model"):
        running.run(model, sat_parameters(Budget(None, 1.0, 1, 0)))


def test_unknown_status_is_a_solver_error() -> None:
    with pytest.raises(SolverError, match="unknown status"):
        running.outcome_of("ABNORMAL")


def test_wrong_parameter_names_the_close_ones() -> None:
    budget = Budget(None, 1.0, 1, 0)
    with pytest.raises(UnsupportedError, match="random_seed"):
        sat_parameters(budget, Settings(parameters=(("random_sead", 1),)))
    with pytest.raises(UnsupportedError, match="cannot be"):
        sat_parameters(budget, Settings(parameters=(("random_seed", "one"),)))


def test_settings_reach_the_engine() -> None:
    chosen = Settings(
        workers=8, subsolvers=("quick_restart",), parameters=(("linearization_level", 2),)
    )
    found = sat_parameters(Budget(None, 3.0, 2, 7), chosen)
    assert found.num_workers == 8
    assert found.random_seed == 7
    assert found.linearization_level == 2
    assert list(found.subsolvers) == ["quick_restart"]
    assert found.max_deterministic_time == 3.0
    assert found.catch_sigint_signal is False


def test_same_call_gives_the_same_answer() -> None:
    problem = job_shop(10, 6)
    first, second = (solve(problem, work_limit=0.3, seed=3) for _ in range(2))
    assert first.tasks == second.tasks
    assert first.bound == second.bound


def test_warm_start_is_never_lost() -> None:
    problem = job_shop(15, 10)
    good = solve(problem, work_limit=0.1)
    again = solve(problem, work_limit=0.01, hint=good)
    assert again.objective is not None
    assert good.objective is not None
    assert again.objective <= good.objective


def test_stopping_the_board_ends_the_search() -> None:
    data = CompiledSchedule(job_shop(40, 20))
    board: Board[Candidate] = Board(0, (), time.monotonic())
    thread = threading.Thread(
        target=CpSat().search, args=(data, board, Budget(None, None, 2, 0), None)
    )
    thread.start()
    while board.best is None and thread.is_alive():
        time.sleep(0.01)
    board.stop()
    thread.join(20)
    assert not thread.is_alive()


def test_a_stop_before_the_search_is_not_lost() -> None:
    board: Board[int] = Board(0, (), time.monotonic())
    switch = StopSwitch(board)
    board.stop()
    formulation = Formulation(CompiledSchedule(job_shop(40, 20)).arrays, 0)
    result = running.run(formulation.model, sat_parameters(Budget(None, None, 2, 0)), switch=switch)
    assert result.outcome in (Outcome.UNKNOWN, Outcome.FEASIBLE)


def test_no_time_left_means_no_model() -> None:
    data = CompiledSchedule(job_shop(5, 5))
    board: Board[Candidate] = Board(0, (), time.monotonic())
    CpSat().search(data, board, Budget(time.monotonic(), None, 1, 0), None)
    assert board.best is None
    assert board.bound is None


def test_error_in_a_callback_surfaces() -> None:
    formulation = Formulation(CompiledSchedule(job_shop(5, 5)).arrays, 0)

    def broken(values: list[int]) -> None:
        raise SolverError("broken")

    with pytest.raises(SolverError, match="broken"):
        running.run(formulation.model, sat_parameters(Budget(None, 5.0, 2, 0)), on_solution=broken)


def test_failure_inside_the_engine_is_a_solver_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise IndexError("raw_hash_map")

    monkeypatch.setattr(cp_model.CpSolver, "solve", fail)
    with pytest.raises(SolverError, match="failed inside: raw_hash_map"):
        running.run(cp_model.CpModel(), sat_parameters(Budget(None, 1.0, 1, 0)))


def test_bounding_settings_follow_the_features() -> None:
    shop = bounding(CompiledSchedule(job_shop(3, 3)).arrays)
    assert "quick_restart_no_lp" in shop.subsolvers
    assert bounding(CompiledSchedule(flexible_machines()).arrays).workers == 8
    project = bounding(CompiledSchedule(flexible_shop()).arrays)
    assert project.workers == 8
    assert not project.subsolvers
    board: Board[Candidate] = Board(0, (), time.monotonic())
    data = CompiledSchedule(job_shop(4, 4))
    CpSat(shop).search(data, board, Budget(time.monotonic() + 30, None, 2, 0), None)
    assert board.closed


def flexible_machines() -> ScheduleProblem:
    model = sch.ScheduleModel()
    names = [model.add_machine(), model.add_machine()]
    task = model.add_task(model.add_job())
    for machine in names:
        model.add_mode(task, duration=2, machine=machine)
    return model.build()


@pytest.mark.parametrize("solver", ["cp-sat", "insertion", "sgs", "dispatch"])
def test_numbers_beyond_64_bits_are_refused(solver: str) -> None:
    model = sch.ScheduleModel()
    job = model.add_job(weight=10**6)
    model.add_task(job, duration=10**12)
    model.minimize({"total_completion": 10**6})
    with pytest.raises(UnsupportedError, match="coarser unit"):
        sch.solve(model.build(), solver)


def test_tiers_hold_the_values_of_earlier_ones() -> None:
    problem = flexible_shop()
    solution = solve(problem, work_limit=100.0)
    assert solution.status is Status.OPTIMAL
    first_alone = solve(problem.model_copy(update={"objective": _only(problem, 0)}))
    assert solution.tiers[0].objective == first_alone.objective


def _only(problem: ScheduleProblem, tier: int) -> object:
    return problem.objective.model_copy(update={"tiers": (problem.objective.tiers[tier],)})


def test_many_breaks_become_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(3 + 5 * k, 5 + 5 * k) for k in range(6)])
    machine = model.add_machine(calendar=calendar)
    for _ in range(4):
        model.add_task(model.add_job(), duration=2, machine=machine)
    problem = model.build()
    folded = solve(problem)
    monkeypatch.setattr("scheduling.solvers.schedule.cpsat.model._FOLDED_HOLES", 0)
    unfolded = solve(problem)
    assert folded.objective == unfolded.objective == 17
    assert folded.status is unfolded.status is Status.OPTIMAL


@pytest.mark.parametrize(
    ("holes", "expected"),
    [
        ([], [(0, 9)]),
        ([(-5, -1), (12, 20)], [(0, 9)]),
        ([(-5, 2), (4, 4), (8, 30)], [(3, 3), (5, 7)]),
        ([(0, 9)], []),
        ([(3, 6), (2, 4)], [(0, 1), (7, 9)]),
        ([(2, 8), (3, 4)], [(0, 1), (9, 9)]),
    ],
)
def test_subtract(holes: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert subtract(0, 9, holes) == expected


@pytest.mark.parametrize(("amount", "rate"), [(11 * 2**33, 5), (7 * 2**33, 7), (7 * 2**33, 3)])
def test_bounds_reported_as_floats_do_not_pass_the_optimum(amount: int, rate: int) -> None:
    # CP-SAT reports 18897856103.000008 in the first of them, whose optimum is 18897856103.
    model = cp_model.CpModel()
    fast, slow = model.new_bool_var(""), model.new_bool_var("")
    ticks = model.new_int_var(0, amount, "")
    model.add_exactly_one([fast, slow])
    model.add(amount * fast <= rate * ticks)
    model.add(amount * slow <= ticks)
    model.minimize(ticks)
    bounds: list[int] = []
    result = running.run(model, sat_parameters(Budget(None, 1.0, 1, 0)), on_bound=bounds.append)
    best = -(-amount // rate)
    assert max(bounds, default=0) <= best
    assert (result.outcome, result.bound) == (Outcome.OPTIMAL, best)
