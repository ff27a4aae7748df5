"""Compiling kernels once on a machine, beside the search or before it.

numba compiles a kernel when it is first called and keeps the machine code on disk. That takes
many seconds for a group of kernels, so a search with a time limit never does it itself: a process
of its own compiles them, and the search goes on without them until they are there.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from scheduling.machine import usable_cores
from scheduling.solvers.board import Board, Budget

_LOG = logging.getLogger("scheduling")
_LOCK = threading.RLock()
_DONE: set[str] = set()
_CHILDREN: dict[str, subprocess.Popen[bytes] | None] = {}
_HERE = Path(__file__).parent
_KERNELS = tuple(sorted(_HERE.rglob("kernels")))
"""The folders of all families' kernels."""

_FIRST: ContextVar[bool] = ContextVar("kernels before clocks", default=False)
_LOOK_SECONDS = 0.05
_BESIDE = "compiling the %s kernels, once on this machine; the search goes on without them so far"


@dataclass(frozen=True, slots=True)
class Kernels:
    """Kernels that are compiled together.

    Parameters
    ----------
    name
        What they are for, such as ``"jobshop"``: one name for each group.
    call
        Calls each of them once; a function of a module, for another process to find.
    """

    name: str
    call: Callable[[], object]


@runtime_checkable
class UsesKernels(Protocol):
    """A solver that calls kernels."""

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:
        """Name the groups that it may call for a problem within a budget, the first used first."""
        ...


def kernels_of(solver: object, data: Any, budget: Budget) -> tuple[Kernels, ...]:
    """Return the groups that a solver may call; none for one without kernels."""
    return solver.kernels(data, budget) if isinstance(solver, UsesKernels) else ()


def get_ready(groups: Iterable[Kernels], budget: Budget) -> float:
    """Compile before a search where it shall not wait itself; return the seconds taken.

    These do not count. The answer of a search that has a work limit and no time limit must not
    depend on what the machine has compiled before. With a time limit nothing is done here, outside
    of :func:`kernels_first`: searches ask :func:`ready`.
    """
    if budget.deadline is not None and not _FIRST.get():
        return 0.0
    began = time.monotonic()
    compile_now(groups)
    return time.monotonic() - began


@contextmanager
def kernels_first() -> Iterator[None]:
    """Compile before the clocks of all searches: what is measured is a machine that ran them."""
    token = _FIRST.set(True)
    try:
        yield
    finally:
        _FIRST.reset(token)


def at_once(groups: Iterable[Kernels], budget: Budget) -> bool:
    """Tell whether a search should count on kernels from its beginning.

    They have been compiled; or the search has a work limit and waits for them, because its answer
    must not depend on what the machine has compiled before.
    """
    return budget.work is not None or all(_known(group, _marker(group.name)) for group in groups)


def ready(groups: Iterable[Kernels], board: Board[Any], budget: Budget) -> bool:
    """Wait until groups are compiled, as long as the search may go on; tell whether they are.

    Parameters
    ----------
    groups
        What the search will call.
    board, budget
        Those of the search: nothing waits for kernels when the board stops or time is up.
    """
    return all(_await(group, board, budget) for group in groups)


def begin(groups: Iterable[Kernels]) -> None:
    """Let other processes compile groups, unless they are there or as many run as have room."""
    with _LOCK:
        for group in groups:
            if group.name in _CHILDREN or _known(group, _marker(group.name)):
                continue
            running = sum(not _ended(child) for child in _CHILDREN.values())
            if running < max(1, usable_cores() // 2):
                _LOG.warning(_BESIDE, group.name)
                _CHILDREN[group.name] = _start(group)


def compile_now(groups: Iterable[Kernels]) -> None:
    """Compile groups in this process, unless that has been done on this machine."""
    with _LOCK:
        for group in groups:
            marker = _marker(group.name)
            if _known(group, marker):
                continue
            _LOG.warning("compiling the %s kernels, once; this takes up to a minute", group.name)
            # Solvers that are called here, so that they call their kernels, ask whether these are
            # ready.
            _DONE.add(group.name)
            _drop_stale(marker)
            began = time.monotonic()
            try:
                group.call()
            except BaseException:
                _DONE.discard(group.name)
                raise
            _LOG.info("compiled the %s kernels in %.1f s", group.name, time.monotonic() - began)
            _touch(marker)


def compile_called(module: str, function: str, name: str) -> None:
    """Compile the group that another process asks for.

    Parameters
    ----------
    module, function
        Where what calls the kernels stands.
    name
        Name of the group.
    """
    compile_now((Kernels(name, getattr(import_module(module), function)),))


def _await(group: Kernels, board: Board[Any], budget: Budget) -> bool:
    marker = _marker(group.name)
    while not _known(group, marker):
        if board.stopped or budget.remaining() == 0:
            return False
        begin((group,))
        if budget.deadline is None or (group.name in _CHILDREN and _ended(_CHILDREN[group.name])):
            if not marker.exists():
                compile_now((group,))
        else:
            time.sleep(_LOOK_SECONDS)
    return True


def _known(group: Kernels, marker: Path) -> bool:
    if group.name not in _DONE and marker.exists():
        _DONE.add(group.name)
    return group.name in _DONE


def _start(group: Kernels) -> subprocess.Popen[bytes] | None:
    """Start the process that compiles a group; ``None`` where there can be none."""
    if not sys.executable or getattr(sys, "frozen", False):
        return None
    place = (group.call.__module__, group.call.__qualname__, group.name)
    code = f"from scheduling.solvers.warmup import compile_called; compile_called(*{place!r})"
    found = [str(_HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, and names of this package
            [sys.executable, "-P", "-c", code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(found)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _ended(child: subprocess.Popen[bytes] | None) -> bool:
    return child is None or child.poll() is not None


@atexit.register
def _end_children() -> None:
    """End with this process what compiles for it; the next run goes on behind the last kernel."""
    for child in _CHILDREN.values():
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()


def _marker(group: str) -> Path:
    """Return the file that stands for compiled kernels of exactly these sources."""
    return _folder() / f"compiled-{group}-{_stamp()}"


def _stamp() -> str:
    """Return what tells these sources, on this machine, from others."""
    sources = sorted(path for folder in _KERNELS for path in folder.glob("*.py"))
    stamp = hashlib.sha256()
    for path in sources:
        facts = path.stat()
        stamp.update(f"{path.name} {facts.st_mtime_ns} {facts.st_size}\n".encode())
    stamp.update(f"{version('numba')} {platform.python_version()} {platform.machine()}".encode())
    return stamp.hexdigest()[:16]


def _drop_stale(marker: Path) -> None:
    """Remove machine code of other sources: numba looks only at the file of each kernel itself.

    The file ``compiled-any`` stands for sources of which some kernels may have been compiled.
    """
    stamp = marker.name.rpartition("-")[2]
    known = [path for path in _folder().glob("compiled-*") if not path.name.endswith(stamp)]
    if known:
        code = [path for folder in _KERNELS for path in _machine_code(folder)]
        for path in (*code, *known):
            path.unlink(missing_ok=True)
    _touch(_folder() / f"compiled-any-{stamp}")


def _machine_code(kernels: Path) -> Iterator[Path]:
    """Yield what numba keeps for the sources in a folder, beside them or where it was told to."""
    yield from (kernels / "__pycache__").glob("*.nb?")
    for path in kernels.glob("*.py"):
        yield from _folder().glob(f"{kernels.name}_*/{path.stem}.*.nb?")


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
