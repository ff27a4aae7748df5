"""Compiling the kernels once, before any clock runs.

numba compiles a kernel when it is first called and keeps the machine code on disk. A first call
within a short time limit would be cut off before that, every time anew; so solvers ask here first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from scheduling.models.schedule.arrays import NEVER
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import FAMILY, Candidate, CompiledSchedule

_LOG = logging.getLogger("scheduling")
_LOCK = threading.Lock()
_DONE: set[str] = set()
_HERE = Path(__file__).parent
_KERNELS = (
    _HERE,
    _HERE.parent / "mip" / "kernels",
    _HERE.parent / "tardiness" / "kernels",
    _HERE.parent / "permutation" / "kernels",
    _HERE.parents[1] / "placement" / "kernels",
    _HERE.parents[1] / "memory" / "kernels",
)
_WORK = 0.01
_MOVES = 50


def ensure_compiled(group: str) -> None:
    """Compile the kernels of a group unless that has been done on this machine.

    Parameters
    ----------
    group
        A key of :data:`GROUPS`, such as ``"jobshop"`` or ``"project"``.

    Notes
    -----
    The first call after an installation takes up to a minute and logs that; later calls cost a
    look at the disk.
    """
    with _LOCK:
        if group in _DONE:
            return
        marker = _marker(group)
        if not marker.exists():
            _drop_stale(group)
            _LOG.warning("compiling the %s kernels, once; this takes up to a minute", group)
            began = time.monotonic()
            GROUPS[group]()
            _LOG.info("compiled the %s kernels in %.1f s", group, time.monotonic() - began)
            _touch(marker)
        _DONE.add(group)


def compile_all() -> None:
    """Compile the kernels of all groups, for installers and images."""
    for group in GROUPS:
        ensure_compiled(group)


def _marker(group: str) -> Path:
    """Return the file that stands for compiled kernels of exactly these sources."""
    sources = sorted(path for folder in _KERNELS for path in folder.glob("*.py"))
    stamp = hashlib.sha256()
    for path in sources:
        facts = path.stat()
        stamp.update(f"{path.name} {facts.st_mtime_ns} {facts.st_size}\n".encode())
    stamp.update(f"{version('numba')} {platform.python_version()} {platform.machine()}".encode())
    return _folder() / f"compiled-{group}-{stamp.hexdigest()[:16]}"


def _drop_stale(group: str) -> None:
    """Remove machine code of other sources: numba looks only at the file of each kernel itself."""
    stale = list(_folder().glob(f"compiled-{group}-*"))
    if stale:
        code = [path for folder in _KERNELS for path in (folder / "__pycache__").glob("*.nb?")]
        for path in (*code, *_folder().glob("compiled-*")):
            path.unlink(missing_ok=True)


def _folder() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    beside = _HERE / "__pycache__"
    if os.access(beside if beside.exists() else _HERE, os.W_OK):
        return beside
    return Path.home() / ".cache" / "scheduling"


def _touch(marker: Path) -> None:
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:
        _LOG.info("no note of the compilation can be kept in %s", marker.parent)


def _shop(*, flexible: bool = False, blocking: bool = False) -> ScheduleProblem:
    model = ScheduleModel()
    machines = [model.add_machine() for _ in range(3)]
    for number in range(3):
        job = model.add_job(chain=True, due=5, blocking=blocking)
        for step in range(3):
            task = model.add_task(job)
            for choice in range(2 if flexible else 1):
                machine = machines[(number + step * (1 + number % 2) + choice) % 3]
                model.add_mode(task, duration=2 + (number * step) % 3, machine=machine)
    return model.build()


def _project(objective: str) -> ScheduleProblem:
    model = ScheduleModel()
    crew, stock = model.add_renewable(2), model.add_consumable(20)
    for number in range(4):
        job = model.add_job(due=3)
        task = model.add_task(job, duration=2, demands={crew: 1 + number % 2, stock: 1})
        model.add_mode(task, duration=3, demands={crew: 1})
    model.minimize(objective)
    return model.build()


def _single_machine(weights: tuple[int, ...]) -> ScheduleProblem:
    model = ScheduleModel()
    machine = model.add_machine()
    for number, weight in enumerate(weights):
        job = model.add_job(due=2 + number, weight=weight)
        model.add_task(job, duration=3 + number % 3, machine=machine)
    model.minimize("total_tardiness")
    return model.build()


def _late_jobs(count: int, weights: int) -> ScheduleProblem:
    model = ScheduleModel()
    machine = model.add_machine()
    for number in range(count):
        job = model.add_job(due=1 + number * 37 % 113, weight=1 + number * 3 % weights)
        model.add_task(job, duration=1 + number * 29 % 19, machine=machine)
    model.minimize("total_tardiness")
    return model.build()


def _search(problem: ScheduleProblem, name: str, work: float = _WORK) -> None:
    """Let a solver work on a board without bounds, so that nothing ends it before its kernels."""
    data = CompiledSchedule(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    FAMILY.solver(name).search(data, board, Budget(None, work, 1, 0), None)


def _compile_tabu(problem: ScheduleProblem) -> None:
    """Walk, and begin again from a schedule of elsewhere: bounds must not end that too early."""
    from scheduling.solvers.schedule.tabu import walk_maker

    _search(problem, "tabu")
    walk = walk_maker(CompiledSchedule(problem).arrays, 0)(0)
    for _ in range(2):
        walk.advance(_MOVES, -NEVER)
        walk.inject(walk.best())


def _compile_project() -> None:
    _search(_project("makespan"), "sgs")
    _search(_project("makespan"), "genetic")


def _compile_tardiness() -> None:
    # Equal weights are decomposed; others are searched and priced, and as prices alone do not
    # settle these, their network is refined.
    for weights in (1, 7):
        _search(_late_jobs(40, weights), "tardiness", 3.0)


def _compile_bounds() -> None:
    from scheduling.solvers.schedule.mip.destructive import destructive_bound
    from scheduling.solvers.schedule.mip.relaxation import lp_bound

    for objective in ("makespan", "total_tardiness"):
        data = CompiledSchedule(_project(objective))
        board: Board[Candidate] = Board(0, (), time.monotonic())
        board.raise_bound((data.bounds() or [0])[0] or 0, "formula")
        budget = Budget(None, 1.0, 1, 0)
        destructive_bound(data, board, budget)
        lp_bound(data, board, budget)


def _compile_patterns() -> None:
    from scheduling.solvers.placement.columns.pricing import compile_kernels

    compile_kernels()


def _compile_fillings() -> None:
    from scheduling.solvers.placement.filling.pricing import compile_kernels

    compile_kernels()


def _compile_packing() -> None:
    from scheduling.solvers.memory.warming import compile_kernels

    compile_kernels()


GROUPS: dict[str, Callable[[], None]] = {
    "jobshop": lambda: _compile_tabu(_shop()),
    "learned": lambda: _search(_shop(), "dispatch:learned"),
    "flexible": lambda: _compile_tabu(_shop(flexible=True)),
    "blocking": lambda: _search(_shop(blocking=True), "blocking"),
    "project": _compile_project,
    "bounds": _compile_bounds,
    "tardiness": _compile_tardiness,
    "permutation": lambda: _search(_single_machine((1,) * 3), "iterated-greedy"),
    "patterns": _compile_patterns,
    "fillings": _compile_fillings,
    "packing": _compile_packing,
}
"""What compiles each group: a tiny problem, worked on once."""
