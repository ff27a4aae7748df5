"""A machine on which no kernels have been compiled, and what its searches have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduling.solvers import warmup
from scheduling.solvers.board import Board, Budget

CALLED: list[str] = []
TEST = warmup.Kernels("test", lambda: CALLED.append("test"))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a machine on which nothing has been compiled."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    monkeypatch.setattr(warmup, "_DONE", set())
    monkeypatch.setattr(warmup, "_CHILDREN", {})
    CALLED.clear()
    token = warmup._FIRST.set(False)
    yield cache
    warmup._FIRST.reset(token)
    for child in filter(None, warmup._CHILDREN.values()):
        warmup._kill(child)


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "_DONE", set())


def board() -> Board[object]:
    return Board(0, (), 0.0)


def budget(seconds: float | None, work: float | None = None) -> Budget:
    return Budget(None if seconds is None else time.monotonic() + seconds, work, 1, 0)
