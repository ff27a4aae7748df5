"""The driver: limits, tiers, hints, interruption, progress, and nothing unchecked leaves."""

from __future__ import annotations

import gc
import signal
import threading
import time
from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import CheckError, InputError, UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget, Progress
from scheduling.solvers.registry import READY, Availability
from scheduling.solvers.schedule.dispatch import Dispatch
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solving import solve
from tests.strategies import schedule_problems


def shop(jobs: int = 6, machines: int = 4, **fields: object) -> ScheduleProblem:
    model = sch.ScheduleModel("shop")
    names = [model.add_machine(f"M{number}") for number in range(machines)]
    for number in range(jobs):
        job = model.add_job(chain=True, due=8 + number)
        for step in range(machines):
            machine = names[(number * 3 + step * (1 + number % 2)) % machines]
            model.add_task(job, duration=1 + (number * 7 + step * 5) % 9, machine=machine)
    problem = model.build()
    return ScheduleProblem.model_validate({**problem.model_dump(), **fields})


class Idle:
    """A solver that finds nothing and waits to be stopped."""

    name = "idle"
    summary = "waits"

    def availability(self) -> Availability:
        return READY

    def refusal(self, data: CompiledSchedule) -> str | None:
        return None

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        while not board.stopped:
            time.sleep(0.01)


class Liar(Idle):
    """A solver that posts a schedule in which everything starts at once."""

    name = "liar"

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        start = data.arrays.release * 0
        candidate = Candidate(start, data.arrays.mode_ptr[:-1])
        board.offer(candidate, tuple(10**6 for _ in data.tiers), self.name)


def test_unchecked_answers_never_leave() -> None:
    with pytest.raises(CheckError, match="liar"):
        solve(shop(), Liar())


def test_time_limit_ends_a_search_that_waits() -> None:
    answer = solve(shop(), Idle(), time_limit=0.3)
    assert answer.status is Status.UNKNOWN
    assert answer.objective is None
    assert answer.bound > 0


def test_unknown_solver_names_its_neighbours() -> None:
    with pytest.raises(UnsupportedError, match="did you mean 'cp-sat'"):
        solve(shop(), "cpsat")


@pytest.mark.parametrize(
    "limits",
    [
        {"time_limit": 0.0},
        {"time_limit": float("nan")},
        {"work_limit": -1.0},
        {"workers": 0},
        {"seed": -1},
    ],
)
def test_senseless_limits_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        solve(shop(), **limits)


def test_own_rule_and_progress() -> None:
    reports: list[Progress] = []
    answer = solve(shop(), Dispatch(lambda task: -task.duration), on_progress=reports.append)
    assert answer.solver == "dispatch own rule"
    assert answer.status in (Status.FEASIBLE, Status.OPTIMAL)
    assert reports[-1].objective == answer.objective
    assert threading.current_thread() is threading.main_thread()


def test_hint_is_never_made_worse() -> None:
    best = solve(shop(), "cp-sat", time_limit=1e6)
    again = solve(shop(), Idle(), time_limit=0.2, hint=best)
    assert again.objective == best.objective
    assert again.solver == "idle (hint)"


def test_invalid_hint_is_not_returned() -> None:
    best = solve(shop(), "dispatch:SPT")
    spoiled = best.model_copy(
        update={"tasks": tuple(t.model_copy(update={"start": 0}) for t in best.tasks)}
    )
    assert solve(shop(), Idle(), time_limit=0.2, hint=spoiled).status is Status.UNKNOWN


@pytest.mark.usefixtures("interruptible")
def test_interrupt_returns_the_best_so_far() -> None:
    best = solve(shop(), "dispatch:SPT")

    def interrupt() -> None:
        time.sleep(0.3)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    answer = solve(shop(), Idle(), time_limit=50, hint=best)
    assert answer.objective == best.objective
    assert answer.seconds < 40


@pytest.mark.usefixtures("interruptible")
def test_interrupts_are_noted_while_garbage_is_collected() -> None:
    best = solve(shop(), "dispatch:SPT")
    asked: list[Progress] = []

    def interrupt(phase: str, info: dict[str, int]) -> None:
        del phase, info
        if threading.current_thread() is threading.main_thread():
            gc.callbacks.remove(interrupt)
            signal.raise_signal(signal.SIGINT)

    def collect(progress: Progress) -> None:
        if progress.objective is not None and not asked:
            asked.append(progress)
            gc.callbacks.append(interrupt)
            gc.collect()

    answer = solve(shop(), Idle(), time_limit=50, hint=best, on_progress=collect)
    assert answer.objective == best.objective
    assert answer.seconds < 40
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_is_raised() -> None:
    def interrupt(progress: Progress) -> None:
        del progress
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        solve(shop(), "dispatch:SPT", time_limit=50, on_progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_tiers_are_solved_in_order() -> None:
    problem = shop(objective=["late_jobs", {"total_completion": 1}])
    answer = solve(problem, "cp-sat", time_limit=1e6)
    assert answer.status is Status.OPTIMAL
    assert [tier.name for tier in answer.tiers] == ["late_jobs", "total_completion"]
    assert all(tier.gap == 0 for tier in answer.tiers)


def test_infeasible_by_formula() -> None:
    model = sch.ScheduleModel()
    job = model.add_job(deadline=2)
    model.add_task(job, duration=3)
    answer = solve(model.build(), "dispatch")
    assert answer.status is Status.INFEASIBLE
    assert answer.tasks == ()


@pytest.mark.parametrize("solver", ["auto", "cp-sat", "dispatch", "sgs", "tabu", "lns"])
def test_one_worker_and_a_work_limit_are_deterministic(solver: str) -> None:
    runs = [
        solve(shop(), solver, work_limit=0.3, workers=1, seed=5).model_dump(
            exclude={"seconds", "history"}
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


@examples(40)
@given(schedule_problems())
def test_auto_equals_brute_force(problem: ScheduleProblem) -> None:
    optimum = brute_force(problem)
    answer = solve(problem, "auto", time_limit=1e6, workers=2)
    if optimum is None:
        assert answer.status is Status.INFEASIBLE
    else:
        assert answer.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in answer.tiers) == optimum
    assert sch.check(problem, answer) == []
