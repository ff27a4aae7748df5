"""Kernels are compiled once per machine and sources, and the clock stands still meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.models.base import Status
from scheduling.solvers.schedule.kernels import warmup
from tests.solvers.test_driver import Idle, shop


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Count compilations of a group named ``test`` in a cache of its own."""
    calls: list[str] = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(warmup, "GROUPS", {"test": lambda: calls.append("test")})
    monkeypatch.setattr(warmup, "_DONE", set())
    return calls


def test_each_group_is_compiled_once(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warmup.compile_all()
    warmup.ensure_compiled("test")
    assert compiled == ["test"]
    assert "compiling the test kernels, once" in caplog.text
    monkeypatch.setattr(warmup, "_DONE", set())
    warmup.ensure_compiled("test")
    assert compiled == ["test"]


def test_a_cache_that_cannot_be_written_is_no_error(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    warmup.ensure_compiled("test")
    assert compiled == ["test"]


def test_machine_code_of_other_sources_is_dropped(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    kernels = tmp_path / "kernels"
    (kernels / "__pycache__").mkdir(parents=True)
    code = kernels / "__pycache__" / "walk.nbi"
    code.write_text("old")
    monkeypatch.setattr(warmup, "_KERNELS", (kernels,))
    warmup.ensure_compiled("test")
    assert code.exists()
    (kernels / "walk.py").write_text("changed")
    monkeypatch.setattr(warmup, "_DONE", set())
    warmup.ensure_compiled("test")
    assert not code.exists()
    assert compiled == ["test", "test"]


class Slow(Idle):
    """Needs longer to get ready than its time limit."""

    name = "slow"

    def prepare(self, data: object) -> None:
        time.sleep(0.6)


def test_getting_ready_is_not_part_of_the_limit() -> None:
    answer = sch.solve(shop(), Slow(), time_limit=0.3)
    assert answer.status is Status.UNKNOWN
    assert answer.seconds < 0.6


def test_the_real_groups_compile() -> None:
    assert set(warmup.GROUPS) == {
        "jobshop",
        "learned",
        "flexible",
        "blocking",
        "project",
        "bounds",
        "tardiness",
        "permutation",
        "patterns",
        "fillings",
        "packing",
    }
    for group in warmup.GROUPS.values():
        group()
