"""Searches that do not react are left behind, and the end of the process waits for them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import scheduling
from scheduling.backends.carrying import StoppedError
from scheduling.bench.records import Record
from scheduling.bench.run import Plan, run_plan
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.table.problem import TableProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.running import Outcome, Result
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.table.auto import Auto
from scheduling.solvers.watching import answer_to, one_of_many, run_watched

_SCRIPT = """
import time
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.watching import run_watched

def stubborn():
    time.sleep(0.6)
    print("search ended", flush=True)

budget = Budget(time.monotonic() + 0.05, None, 1, 0)
run_watched(stubborn, Board(0, (), time.monotonic()), budget, 0.05, lambda: None)
print("answer", flush=True)
"""


def test_the_answer_comes_first_and_the_process_ends_after_the_search() -> None:
    folder = Path(scheduling.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["answer", "search ended"]


def test_a_report_that_fails_stops_the_search() -> None:
    board: Board[object] = Board(0, (), 0.0)
    ended = threading.Event()

    def search() -> None:
        while not board.stopped:
            board.wait(0.01)
        ended.set()

    def report() -> None:
        raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        run_watched(search, board, Budget(None, None, 1, 0), 0.1, report)
    assert ended.wait(60)


def interrupted() -> bool:
    """Run a search that the keyboard ends."""
    board: Board[object] = Board(0, (), 0.0)
    keys = iter([KeyboardInterrupt])

    def search() -> None:
        while not board.stopped:
            board.wait(0.01)

    def report() -> None:
        for key in keys:
            raise key

    return run_watched(search, board, Budget(None, None, 1, 0), 60, report)


def test_a_search_that_has_found_something_leaves_time_for_its_answer() -> None:
    board: Board[str] = Board(0, (), 0.0)

    def search() -> None:
        for _ in range(20):
            board.wait(0.01)
        assert not board.stopped
        board.offer("found", (1,), "search")
        while not board.stopped:
            board.wait(0.01)

    run_watched(search, board, Budget(None, None, 1, 0), 60, lambda: None, answered=0.0)
    assert board.best == "found"


def test_the_keyboard_ends_a_search_and_its_caller_goes_on() -> None:
    assert interrupted()


def test_the_keyboard_ends_the_whole_that_a_search_is_a_part_of() -> None:
    with pytest.raises(KeyboardInterrupt), one_of_many():
        interrupted()
    assert interrupted()


def test_the_keyboard_ends_a_bench_between_whose_runs_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(case: Any) -> Record:
        if case.solver == "sgs":
            interrupted()
        found: Record = case.blank()
        return found

    monkeypatch.setattr("scheduling.bench.run.run_one", run)
    plan = Plan(suites=("bundled",), solvers=("dispatch", "sgs"), seeds=(0,), time_limit=1.0)
    with pytest.raises(StoppedError) as stop:
        run_plan(plan)
    assert [record.solver for record in stop.value.done] == ["dispatch"]


def pressed_until_stopped(board: Board[Any]) -> str:
    """Press Ctrl-C within a search, and go on until it is told to end."""
    signal.raise_signal(signal.SIGINT)
    board.wait(60.0)
    return "what it has"


def test_questions_are_answered_in_time_or_not_at_all() -> None:
    assert answer_to(lambda board: 7, Budget(None, None, 1, 0)) == 7
    late = Budget(time.monotonic() + 0.01, None, 1, 0)
    assert answer_to(lambda board: time.sleep(5.0), late) is None


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_question() -> None:
    limit = Budget(time.monotonic() + 1e5, None, 1, 0)
    assert answer_to(pressed_until_stopped, limit) == "what it has"
    with one_of_many(), pytest.raises(KeyboardInterrupt):
        answer_to(pressed_until_stopped, limit)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_an_explanation_and_not_only_its_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(self: Auto, data: Any, board: Board[Any], budget: Budget, hint: Any) -> None:
        pressed_until_stopped(board)

    monkeypatch.setattr(Auto, "search", search)
    problem = TableProblem(fields=("a",), rows=(("x",), ("y",), ("x",)))
    with pytest.raises(KeyboardInterrupt):
        scheduling.explain(problem)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_engine_that_an_explanation_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(model: Any, parameters: Any, switch: StopSwitch) -> Result:
        signal.raise_signal(signal.SIGINT)
        while not switch.pressed:
            time.sleep(0.01)
        return Result(Outcome.UNKNOWN, None, None, 0.0, 0.0)

    monkeypatch.setattr("scheduling.solvers.cpsat.asking.run", run)
    nodes = [{"id": "n", "capacity": {"cpu": 4}}]
    items = [{"id": name, "demands": {"cpu": 3}} for name in "ab"]
    document = {"kind": "placement", "nodes": nodes, "items": items}
    with pytest.raises(KeyboardInterrupt):
        scheduling.explain(PlacementProblem.model_validate(document))
