"""Kernels are compiled once per machine and sources, beside the search or before it."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.models.base import Problem, Status
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.solvers import warmup
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.memory.warming import PACKING
from scheduling.solvers.ordering import annealing
from scheduling.solvers.placement.columns.solver import PATTERNS
from scheduling.solvers.placement.filling.solver import FILLINGS
from scheduling.solvers.prefill.lawler import ROWS
from scheduling.solvers.schedule import warming as schedule
from scheduling.solvers.schedule.family import FAMILY

GROUPS = (*schedule.GROUPS, PACKING, annealing.ANNEALING, PATTERNS, FILLINGS, ROWS)

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
    warmup._end_children()


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "_DONE", set())


def board() -> Board[object]:
    return Board(0, (), 0.0)


def budget(seconds: float | None, work: float | None = None) -> Budget:
    return Budget(None if seconds is None else time.monotonic() + seconds, work, 1, 0)


def test_each_group_is_compiled_once(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warmup.compile_now((TEST, TEST))
    assert CALLED == ["test"]
    assert "compiling the test kernels, once" in caplog.text
    new_process(monkeypatch)
    warmup.compile_now((TEST,))
    assert CALLED == ["test"]


def test_a_cache_that_cannot_be_written_is_no_error(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    warmup.compile_now((TEST,))
    assert CALLED == ["test"]


def test_kernels_that_fail_are_tried_again(fresh: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    broken = warmup.Kernels("broken", fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            warmup.compile_now((broken,))


@pytest.mark.parametrize("ended", ["whole", "half-way"])
def test_machine_code_of_other_sources_is_dropped(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ended: str
) -> None:
    kernels = tmp_path / "kernels"
    (kernels / "__pycache__").mkdir(parents=True)
    (fresh / "kernels_1").mkdir(parents=True)
    (kernels / "walk.py").write_text("old")
    monkeypatch.setattr(warmup, "_KERNELS", (kernels,))
    warmup.compile_now((TEST,))
    if ended == "half-way":
        [marker] = fresh.glob("compiled-test-*")
        marker.unlink()
    code = [kernels / "__pycache__" / "walk.f-1.nbi", fresh / "kernels_1" / "walk.f-1.nbi"]
    other = fresh / "kernels_1" / "other.f-1.nbi"
    for path in (*code, other):
        path.write_text("old")
    new_process(monkeypatch)
    (kernels / "walk.py").write_text("changed")
    warmup.compile_now((TEST,))
    assert not any(path.exists() for path in code)
    assert other.exists()
    assert CALLED == ["test", "test"]


def test_a_search_with_a_work_limit_alone_compiles_before_it(fresh: Path) -> None:
    assert warmup.get_ready((TEST,), budget(100.0)) == 0.0
    assert CALLED == []
    warmup.get_ready((TEST,), budget(None, 1.0))
    assert CALLED == ["test"]


def test_a_benchmark_compiles_before_its_clock_runs(fresh: Path) -> None:
    with warmup.kernels_first():
        assert warmup.get_ready((TEST,), budget(100.0)) > 0.0
    assert CALLED == ["test"]


def test_a_search_with_a_time_limit_leaves_compiling_to_another_process(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other process calls is of the standard library, as that takes no time."""

    def refuse(groups: object) -> None:
        raise AssertionError("compiles in this process")

    monkeypatch.setattr(warmup, "compile_now", refuse)
    kernels = warmup.Kernels("light", gc.collect)
    assert not warmup.at_once((kernels,), budget(100.0))
    assert not warmup.ready((kernels,), board(), budget(0.0))
    assert warmup._CHILDREN == {}
    assert warmup.ready((kernels,), board(), budget(600.0))
    assert warmup._CHILDREN["light"] is not None
    assert warmup.at_once((kernels,), budget(100.0))


def test_nothing_waits_for_kernels_when_the_board_stops(fresh: Path) -> None:
    stopped = board()
    stopped.stop()
    assert not warmup.ready((TEST,), stopped, budget(600.0))
    assert CALLED == []


@pytest.mark.parametrize("trouble", ["no process", "failed"])
def test_what_no_other_process_compiles_is_compiled_here(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    calls: list[None] = []

    def call() -> None:
        calls.append(None)

    call.__module__ = "a_module_that_no_process_finds"
    if trouble == "no process":
        monkeypatch.setattr(sys, "executable", "")
    assert warmup.ready((warmup.Kernels("lost", call),), board(), budget(600.0))
    assert len(calls) == 1


def test_no_more_processes_compile_than_have_room(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(group: warmup.Kernels) -> None:
        started.append(group.name)

    monkeypatch.setattr(warmup, "_start", start)
    monkeypatch.setattr(warmup, "_ended", lambda child: False)
    monkeypatch.setattr(warmup, "usable_cores", lambda: 4)
    warmup.begin(schedule.GROUPS[:3])
    warmup.begin(schedule.GROUPS[:3])
    assert started == ["jobshop", "flexible"]


@pytest.mark.parametrize(
    ("problem", "timed", "names"),
    [
        (schedule._shop(), True, ["jobshop", "bounds"]),
        (schedule._shop(), False, ["jobshop"]),
        (schedule._shop(flexible=True), True, ["flexible", "bounds"]),
        (schedule._shop(blocking=True), True, ["blocking"]),
        (schedule._project("makespan"), True, ["project", "bounds"]),
        (schedule._single_machine((1, 2, 3)), True, ["tardiness"]),
    ],
)
def test_auto_compiles_what_it_will_call_and_no_more(
    problem: sch.ScheduleProblem, timed: bool, names: list[str]
) -> None:
    data = FAMILY.compile(problem)
    limits = budget(10.0) if timed else budget(None, 1.0)
    groups = warmup.kernels_of(FAMILY.solver("auto"), data, limits)
    assert [group.name for group in groups] == names


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_the_groups_compile(group: warmup.Kernels) -> None:
    group.call()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_another_process_finds_what_compiles_a_group(group: warmup.Kernels) -> None:
    home = import_module(group.call.__module__)
    assert getattr(home, group.call.__qualname__) is group.call


def test_no_two_groups_share_a_name() -> None:
    assert len({group.name for group in GROUPS}) == len(GROUPS)


@pytest.mark.parametrize(
    "problem",
    [
        schedule._shop(),
        schedule._shop(flexible=True),
        schedule._project("makespan"),
        schedule._single_machine((1, 2, 3)),
        MemoryProblem(buffers=(Buffer(id="a", start=0, end=2, size=3),)),
    ],
    ids=["job shop", "flexible shop", "project", "one machine", "memory"],
)
def test_a_new_machine_solves_before_it_has_compiled_anything(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, problem: Problem
) -> None:

    def refuse(groups: object) -> None:
        raise AssertionError("compiles in this process")

    monkeypatch.setattr(warmup, "compile_now", refuse)
    monkeypatch.setattr(warmup, "_start", lambda group: None)
    monkeypatch.setattr(warmup, "_ended", lambda child: False)
    answer = sch.solve(problem, time_limit=600.0, workers=2)
    assert answer.status is Status.OPTIMAL


def test_the_folders_of_all_kernels_are_watched() -> None:
    """A folder that holds kernels elsewhere would keep machine code of old sources."""
    home = Path(warmup.__file__).parent
    jitted = {p.parent for p in home.rglob("*.py") if "njit" in p.read_text(encoding="utf-8")}
    assert jitted
    assert jitted <= set(warmup._KERNELS)
