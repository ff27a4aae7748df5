"""Searches that do not react are left behind, and the end of the process waits for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import scheduling

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
