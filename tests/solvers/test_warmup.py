"""Kernels are compiled once per machine and sources, and the clock stands still meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType

import pytest

import scheduling as sch
from scheduling.models.base import Status
from scheduling.solvers import warmup
from scheduling.solvers.memory import warming as memory
from scheduling.solvers.placement.columns import pricing as patterns
from scheduling.solvers.placement.filling import pricing as fillings
from scheduling.solvers.schedule import warming as schedule
from tests.solvers.test_driver import Idle, shop


class Group:
    """Counts the compilations of a group named ``test``."""

    calls = 0

    def compile_kernels(self) -> None:
        self.calls += 1

    def need(self) -> None:
        warmup.ensure_compiled("test", self.compile_kernels)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Group:
    """Return a group with a cache of its own."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(warmup, "_DONE", set())
    return Group()


def test_each_group_is_compiled_once(
    group: Group, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    group.need()
    group.need()
    assert group.calls == 1
    assert "compiling the test kernels, once" in caplog.text
    monkeypatch.setattr(warmup, "_DONE", set())
    group.need()
    assert group.calls == 1


def test_a_cache_that_cannot_be_written_is_no_error(
    group: Group, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    group.need()
    assert group.calls == 1


def test_machine_code_of_other_sources_is_dropped(
    group: Group, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    kernels = tmp_path / "kernels"
    (kernels / "__pycache__").mkdir(parents=True)
    code = kernels / "__pycache__" / "walk.nbi"
    code.write_text("old")
    monkeypatch.setattr(warmup, "_KERNELS", (kernels,))
    group.need()
    assert code.exists()
    (kernels / "walk.py").write_text("changed")
    monkeypatch.setattr(warmup, "_DONE", set())
    group.need()
    assert not code.exists()
    assert group.calls == 2


class Slow(Idle):
    """Needs longer to get ready than its time limit."""

    name = "slow"

    def prepare(self, data: object) -> None:
        time.sleep(0.6)


def test_getting_ready_is_not_part_of_the_limit() -> None:
    answer = sch.solve(shop(), Slow(), time_limit=0.3)
    assert answer.status is Status.UNKNOWN
    assert answer.seconds < 0.6


@pytest.mark.parametrize("name", schedule.GROUPS)
def test_the_groups_of_schedules_compile(name: str) -> None:
    schedule.GROUPS[name]()


@pytest.mark.parametrize("module", [patterns, fillings, memory])
def test_the_other_groups_compile(module: ModuleType) -> None:
    module.compile_kernels()


def test_the_folders_of_all_kernels_are_watched() -> None:
    """A folder that holds kernels elsewhere would keep machine code of old sources."""
    home = Path(warmup.__file__).parent
    jitted = {p.parent for p in home.rglob("*.py") if "njit" in p.read_text(encoding="utf-8")}
    assert jitted
    assert jitted <= set(warmup._KERNELS)
