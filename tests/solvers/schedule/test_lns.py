from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.objective import makespan
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.running import Outcome, run, set_hint
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.cpsat.solver import CpSat
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.lns import Lns
from scheduling.solvers.schedule.neighbourhood.choice import KINDS, Chooser
from scheduling.solvers.schedule.neighbourhood.compaction import Compactor
from scheduling.solvers.schedule.neighbourhood.improve import tails_of
from scheduling.solvers.schedule.neighbourhood.part import part_of
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def first_schedule(data: CompiledSchedule, seed: int = 0) -> Candidate | None:
    board: Board[Candidate] = Board(0, (), time.monotonic())
    chosen = Settings(parameters=(("stop_after_first_solution", True), ("randomize_search", True)))
    CpSat(chosen).search(data, board, Budget(None, 20.0, 1, seed), None)
    return board.best


def test_a_first_schedule_is_there_before_packages_that_load_slowly() -> None:
    script = """
import sys
import scheduling as sch

def seen(progress):
    if progress.objective is not None and "first" not in found:
        found["first"] = "ortools.sat.python.cp_model" in sys.modules

found = {}
sch.solve(sch.read("bundled:project-30"), "lns", time_limit=60, on_progress=seen)
assert found == {"first": False}, found
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def violations(data: CompiledSchedule, candidate: Candidate) -> list[str]:
    solution = data.answer(candidate, {"status": Status.FEASIBLE})
    found = check_schedule(data.problem, solution)
    return [str(entry) for entry in found if entry.constraint not in ("objective", "status")]


def mixed_shop(jobs: int, seed: int = 3) -> ScheduleProblem:
    rng = np.random.default_rng(seed)
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(50, 60), (110, 120)])
    names = [model.add_machine(calendar=calendar if k == 0 else None) for k in range(4)]
    crew = model.add_renewable(3)
    for number in range(jobs):
        job = model.add_job(chain=True, due=30 + 5 * number, weight=int(rng.integers(1, 5)))
        for _ in range(4):
            task = model.add_task(job)
            for machine in rng.choice(4, 2, replace=False):
                demands = {crew: int(rng.integers(0, 3))}
                model.add_mode(
                    task,
                    duration=int(rng.integers(1, 12)),
                    machine=names[machine],
                    demands=demands,
                )
    model.minimize(["total_tardiness", "makespan"])
    return model.build()


@given(schedule_problems(feasible=True))
@examples(40)
def test_small_problems_are_solved_and_proven(problem: ScheduleProblem) -> None:
    solution = sch.solve(problem, "lns", work_limit=2.0, workers=1)
    assert solution.status is Status.OPTIMAL
    assert tuple(tier.objective for tier in solution.tiers) == brute_force(problem)


@given(schedule_problems(feasible=True), st.integers(0, 5))
@examples(60)
def test_compaction_keeps_schedules_valid(problem: ScheduleProblem, seed: int) -> None:
    data = CompiledSchedule(problem)
    found = first_schedule(data, seed)
    assert found is not None
    compact = Compactor(data.arrays).compact(found)
    assert violations(data, compact) == []
    assert np.all(compact.start <= found.start)


def test_compaction_closes_gaps() -> None:
    model = sch.ScheduleModel()
    machine, crew = model.add_machine(), model.add_renewable(2)
    job = model.add_job()
    model.add_task(job, duration=2, machine=machine)
    model.add_task(job, duration=3, machine=machine, demands={crew: 2})
    model.add_task(job, duration=1, demands={crew: 1}, release=4)
    data = CompiledSchedule(model.build())
    late = Candidate(np.array([5, 9, 20]), np.array([0, 1, 2]))
    assert Compactor(data.arrays).compact(late).start.tolist() == [0, 2, 5]


@given(
    schedule_problems(max_jobs=4, feasible=True),
    st.integers(0, 2**10 - 1),
    st.integers(0, 2**10 - 1),
)
@examples(60)
def test_parts_hold_the_schedule_and_merge_into_valid_ones(
    problem: ScheduleProblem, unseen: int, free: int
) -> None:
    data = CompiledSchedule(problem)
    whole = first_schedule(data)
    assert whole is not None
    tasks = np.arange(data.arrays.n_tasks)
    visible = tasks[(unseen >> tasks) & 1 == 0]
    if visible.size == 0:
        visible = tasks
    freed = visible[(free >> visible) & 1 == 1]
    part = part_of(data.arrays, whole, visible, freed, tails_of(data.arrays, whole))
    formulation = Formulation(part.arrays, 0)
    if formulation.infeasible:
        # Limits on the wrong end of a task with several durations may be too narrow for it.
        assert not data.arrays.single_mode
        return
    set_hint(formulation.model, formulation.encode(part.current))
    result = run(formulation.model, sat_parameters(Budget(None, 5.0, 1, 0)))
    if result.values is None:
        assert result.outcome is Outcome.INFEASIBLE
        assert not data.arrays.single_mode
        return
    merged = part.merge(whole, formulation.decode(result.values))
    assert violations(data, merged) == []
    assert violations(data, Compactor(data.arrays).compact(merged)) == []


def test_part_of_everything_has_the_same_values() -> None:
    data = CompiledSchedule(mixed_shop(5))
    whole = first_schedule(data)
    assert whole is not None
    tasks = np.arange(data.arrays.n_tasks)
    part = part_of(data.arrays, whole, tasks, tasks[:5], tails_of(data.arrays, whole))
    assert part.arrays.values(part.current.start, part.current.mode) == data.values(whole)


@pytest.mark.parametrize("visible", [1000, 18])
def test_improves_tardiness(monkeypatch: pytest.MonkeyPatch, visible: int) -> None:
    monkeypatch.setattr("scheduling.solvers.schedule.neighbourhood.choice.VISIBLE", visible)
    problem = mixed_shop(10)
    data = CompiledSchedule(problem)
    start = first_schedule(data)
    assert start is not None
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(start, data.values(start), "start")
    Lns().search(data, board, Budget(None, 0.25, 1, 0), None)
    assert board.values is not None
    assert board.values[0] < 0.8 * data.values(start)[0]
    assert board.solver == "lns"
    assert board.best is not None
    assert violations(data, board.best) == []


def test_improves_the_makespan_through_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.solvers.schedule.neighbourhood.choice.VISIBLE", 25)
    problem = mixed_shop(10).model_copy(update={"objective": makespan()})
    data = CompiledSchedule(problem)
    start = first_schedule(data)
    assert start is not None
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(start, data.values(start), "start")
    Lns().search(data, board, Budget(None, 0.25, 1, 0), None)
    assert board.values is not None
    assert board.values[0] < data.values(start)[0]


def test_same_call_gives_the_same_answer() -> None:
    problem = mixed_shop(8)
    first, second = (sch.solve(problem, "lns", work_limit=0.1, workers=1, seed=5) for _ in range(2))
    assert first.tasks == second.tasks
    assert first.objective == second.objective


def test_takes_up_what_others_find() -> None:
    data = CompiledSchedule(mixed_shop(8))
    start = first_schedule(data)
    best = sch.solve(data.problem, "cp-sat", work_limit=1.0, workers=1)
    better = data.candidate(best)
    assert start is not None
    assert better is not None
    board: Board[Candidate] = Board(0, (), time.monotonic())
    board.offer(start, data.values(start), "start")
    board.offer(better, data.values(better), "other")
    Lns().search(data, board, Budget(None, 0.1, 1, 0), None)
    assert board.values is not None
    assert board.values <= data.values(better)


def test_two_threads_stop_with_the_board() -> None:
    data = CompiledSchedule(mixed_shop(25))
    board: Board[Candidate] = Board(0, (), time.monotonic())
    thread = threading.Thread(
        target=Lns().search, args=(data, board, Budget(None, None, 2, 0), None)
    )
    thread.start()
    while len(board.history) < 3 and thread.is_alive():
        time.sleep(0.01)
    board.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert board.best is not None


def test_infeasible_problem_ends() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    for _ in range(3):
        model.add_task(model.add_job(), duration=2, machine=machine, deadline=5)
    assert sch.solve(model.build(), "lns", work_limit=1.0, workers=1).status is Status.INFEASIBLE


def test_every_kind_of_neighbourhood_is_drawn() -> None:
    data = CompiledSchedule(mixed_shop(10))
    whole = first_schedule(data)
    assert whole is not None
    chooser = Chooser(data.arrays, 0, np.random.default_rng(0))
    tails = tails_of(data.arrays, whole)
    seen = set()
    for _ in range(60):
        choice = chooser.choose(whole, tails)
        seen.add(choice.kind)
        assert np.isin(choice.free, choice.visible).all()
        assert len(np.unique(choice.free)) == len(choice.free) > 0
        chooser.learn(choice.kind, gained=False, settled=False)
    assert seen == set(KINDS)
