"""Kernels are compiled once per machine and sources, beside the search or before it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import scheduling as sch
from scheduling.models.base import Problem, Status
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.scenarios.scenario import Run
from scheduling.solvers import machine_code, warmup
from scheduling.solvers.memory.warming import PACKING
from scheduling.solvers.ordering import annealing
from scheduling.solvers.placement.columns.solver import PATTERNS
from scheduling.solvers.placement.filling.solver import FILLINGS
from scheduling.solvers.prefill.lawler import ROWS
from scheduling.solvers.schedule import warming as schedule
from scheduling.solvers.schedule.family import FAMILY
from scheduling.solvers.spines.annealing import ANNEALING
from scheduling.solvers.table.fronts import FRONTS
from scheduling.solvers.table.trees import TREES
from scheduling.solvers.watching import one_of_many, whole
from tests.solvers.conftest import CALLED, TEST, board, budget, new_process

GROUPS = (
    *schedule.GROUPS,
    PACKING,
    annealing.ANNEALING,
    PATTERNS,
    FILLINGS,
    ROWS,
    TREES,
    FRONTS,
    ANNEALING,
)


def test_each_group_is_compiled_once(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warmup, "_start", lambda group: None)
    warmup.compile_first((TEST, TEST))
    assert CALLED == ["test"]
    assert "compiling the test kernels, once" in caplog.text
    new_process(monkeypatch)
    warmup.compile_now((TEST,))
    assert CALLED == ["test"]


def test_kernels_that_fail_are_tried_again(fresh: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    broken = warmup.Kernels("broken", fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            warmup.compile_now((broken,))


def test_a_search_with_a_work_limit_alone_compiles_before_it(fresh: Path) -> None:
    assert warmup.get_ready((TEST,), budget(100.0)) == 0.0
    assert CALLED == []
    warmup.get_ready((TEST,), budget(None, 1.0))
    assert CALLED == ["test"]


def test_the_clock_of_a_scenario_stands_still_while_kernels_are_compiled(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(warmup, "STANDING", [told.append])
    monkeypatch.setattr(warmup, "_start", lambda group: None)
    slow = warmup.Kernels("slow", lambda: time.sleep(0.3))
    began, limits = time.monotonic(), Run(1000.0)
    with warmup.kernels_first():
        warmup.get_ready((slow,), budget(100.0))
        spent = 1000.0 - limits.left
        assert spent <= time.monotonic() - began - 0.3
        warmup.get_ready((slow,), budget(100.0))
    assert told == [True, False]


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


def stuck() -> warmup.Kernels:
    """Return kernels that take for ever; what is called is of the standard library."""
    return warmup.Kernels("stuck", signal.pause)


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(groups: object) -> None:
        raise AssertionError("compiles in this process")

    monkeypatch.setattr(warmup, "compile_now", refuse)


posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks of POSIX")


@posix
def test_a_search_goes_on_when_the_process_that_compiles_hangs_or_is_killed(
    fresh: Path, nothing_here: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert not warmup.ready((stuck(),), board(), budget(0.2))
    child = warmup._CHILDREN["stuck"]
    assert child is not None
    assert child.poll() is None
    child.kill()
    assert not warmup.ready((stuck(),), board(), budget(600.0))
    assert "stuck kernels was killed" in caplog.text
    warmup.begin((stuck(),))
    again = warmup._CHILDREN["stuck"]
    assert again is not None
    assert again.pid != child.pid


@posix
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_compiling_before_a_search(
    fresh: Path, nothing_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    start = warmup._start

    def start_and_interrupt(group: warmup.Kernels) -> Any:
        started.append(start(group))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(warmup, "_start", start_and_interrupt)
    with whole(), pytest.raises(KeyboardInterrupt):
        warmup.compile_first((stuck(),))
    assert started[0].returncode == -signal.SIGKILL


@posix
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_wait_for_what_is_compiled_here(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine may drop what is raised in it: this one would, and ends only later."""
    over = threading.Event()

    def call() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        over.wait()
        raise ZeroDivisionError

    monkeypatch.setattr(warmup, "_start", lambda group: None)
    with pytest.raises(KeyboardInterrupt):
        warmup.compile_first((warmup.Kernels("slow", call),))
    over.set()


@pytest.mark.parametrize("solve", [sch.solve, sch.pareto])
def test_ctrl_c_before_the_search_ends_in_an_answer(
    monkeypatch: pytest.MonkeyPatch, solve: Callable[..., Any]
) -> None:
    def interrupt(groups: object, limits: object) -> float:
        raise KeyboardInterrupt

    model = sch.ScheduleModel()
    machine = model.add_machine()
    for due in (2, 3, 4):
        model.add_task(model.add_job(due=due), duration=2, machine=machine)
    model.minimize(["makespan", "total_tardiness"])
    monkeypatch.setattr(warmup, "get_ready", interrupt)
    assert solve(model.build(), work_limit=1.0).status is Status.UNKNOWN
    with pytest.raises(KeyboardInterrupt), one_of_many():
        sch.solve(model.build(), work_limit=1.0)


@posix
def test_who_compiles_is_left_alone_by_ctrl_c_and_reaped(fresh: Path) -> None:
    child = warmup._start(stuck())
    assert child is not None
    assert os.getpgid(child.pid) != os.getpgid(0)
    child.kill()
    while child.returncode is None:  # It is set by who reaps it; nothing here asks for it.
        time.sleep(0.01)


def test_who_compiles_finds_the_modules_that_this_process_finds(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "of_a_notebook.py").write_text("def call():\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path / "away"))
    call = import_module("of_a_notebook").call
    child = warmup._start(warmup.Kernels("elsewhere", call))
    assert child is not None
    assert child.wait() == 0
    assert machine_code.noted("elsewhere")


@posix
def test_one_process_of_many_compiles(fresh: Path) -> None:
    """The other waits for it, and would fail if it compiled itself."""
    import fcntl

    fresh.mkdir()
    with (fresh / "compiling-same").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = warmup._start(warmup.Kernels("same", os.abort))
        assert child is not None
        machine_code.note("same")
        assert child.wait() == 0


@pytest.mark.parametrize("last", [0.0, 600.0])
def test_who_compiles_ends_with_who_asked_behind_a_kernel(
    fresh: Path, tmp_path: Path, last: float
) -> None:
    """At once where there is no patience for a kernel."""
    (tmp_path / "asked.py").write_text(
        "import os, threading\n"
        "def call():\n"
        "    from scheduling.solvers import jit\n"
        "    while True:\n"
        "        for kept in jit.KEPT_ONE:\n"
        "            kept()\n"
        if last
        else "def call():\n    import threading\n    threading.Event().wait()\n"
    )
    code = (
        f"import sys; sys.path[:] = {[str(tmp_path), *sys.path]!r}\n"
        f"from scheduling.solvers import warmup; warmup._LAST_SECONDS = {last}\n"
        "warmup.compile_called('asked', 'call', 'asked')"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait() == 1


@posix
def test_a_forked_process_has_no_children_and_free_locks() -> None:
    code = """
import os, signal
from scheduling.solvers import warmup
warmup.begin((warmup.Kernels("stuck", signal.pause),))
[child] = warmup._CHILDREN.values()
warmup._STARTING.acquire()
pid = os.fork()
if pid == 0:
    os._exit(0 if not warmup._CHILDREN and warmup._STARTING.acquire(False) else 1)
_, status = os.waitpid(pid, 0)
running = child.poll() is None
child.kill()
print(status, running)
"""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = [sys.executable, "-c", code]
    found = subprocess.run(run, env=path, capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("0 True\n", 0), found.stderr
