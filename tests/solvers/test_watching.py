"""Searches that do not react are left behind, and the end of the process waits for them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import scheduling
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.watching import run_watched

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
