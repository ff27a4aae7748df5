"""Compiling kernels once on a machine, beside the search or before it.

numba compiles a kernel when it is first called and keeps the machine code on disk. That takes
many seconds for a group of kernels, so a search with a time limit never does it itself: a process
of its own compiles them, and the search goes on without them until they are there.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from scheduling.machine import usable_cores
from scheduling.solvers import machine_code
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.watching import interruptible, wait_for

_LOG = logging.getLogger("scheduling")
_COMPILING = threading.RLock()
_STARTING = threading.Lock()
_DONE: set[str] = set()
_CHILDREN: dict[str, subprocess.Popen[bytes] | None] = {}
_FIRST: ContextVar[bool] = ContextVar("kernels before clocks", default=False)
_STOOD: list[float] = []
"""Seconds of each time that clocks stood still in this process."""

STANDING: list[Callable[[bool], None]] = []
"""Called with true when clocks begin to stand still for kernels, with false when they go on."""

_LAST_SECONDS = 60.0
"""Seconds that a process may go on for a kernel when the one that started it has ended."""

_ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.05
_PATIENCE = 300.0
"""Seconds that a process waits for another one that compiles the same kernels."""

_BESIDE = "compiling the %s kernels, once on this machine; the search goes on without them so far"
_BEFORE = "compiling the %s kernels, once; this takes up to a minute"


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
    of :func:`kernels_first`: searches ask :func:`ready`. Ctrl-C raises ``KeyboardInterrupt``.
    """
    if budget.deadline is not None and not _FIRST.get():
        return 0.0
    wanted = [group for group in groups if not _known(group)]
    if not wanted:
        return 0.0
    began = time.monotonic()
    for call in STANDING:
        call(True)
    try:
        compile_first(wanted)
    finally:
        _STOOD.append(time.monotonic() - began)
        for call in STANDING:
            call(False)
    return _STOOD[-1]


def clock() -> float:
    """Return the seconds of a clock that stands still while kernels come before searches."""
    return time.monotonic() - sum(_STOOD)


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
    return budget.work is not None or all(_known(group) for group in groups)


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
    with _STARTING:
        for group in groups:
            if group.name in _CHILDREN or _known(group):
                continue
            running = sum(not _ended(child) for child in _CHILDREN.values())
            if running < max(1, usable_cores() // 2):
                _LOG.warning(_BESIDE, group.name)
                _CHILDREN[group.name] = _start(group)


def compile_first(groups: Iterable[Kernels]) -> None:
    """Compile groups before anything else, in another process where that helps.

    A process can be ended at any moment, which numba's compiling here cannot: what Ctrl-C raises
    within it may be dropped.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C.
    """
    for group in groups:
        if _known(group):
            continue
        _LOG.warning(_BEFORE, group.name)
        child = _start(group)
        if child is not None:
            try:
                wait_for(lambda child=child: _ended(child))  # type: ignore[misc]
            finally:
                _kill(child)
        if not _known(group):
            interruptible(lambda group=group: compile_now((group,)))  # type: ignore[misc]


def compile_now(groups: Iterable[Kernels]) -> None:
    """Compile groups in this thread, unless that has been done on this machine."""
    with _COMPILING:
        for group in groups:
            if _known(group):
                continue
            # Solvers that are called here, so that they call their kernels, ask whether these are
            # ready.
            _DONE.add(group.name)
            began = time.monotonic()
            try:
                group.call()
            except BaseException:
                _DONE.discard(group.name)
                raise
            _LOG.info("compiled the %s kernels in %.1f s", group.name, time.monotonic() - began)
            if not _lost():
                machine_code.note(group.name)


def compile_called(module: str, function: str, name: str) -> None:
    """Compile the group that another process asks for, until that process ends.

    Parameters
    ----------
    module, function
        Where what calls the kernels stands.
    name
        Name of the group.
    """
    ended = _end_of(sys.stdin)
    try:
        with _alone(name, ended):
            _end_behind_a_kernel(ended)
            compile_now((Kernels(name, getattr(import_module(module), function)),))
    except MemoryError:
        os.abort()  # As other wants of memory end it: the process that asks does not try itself.


def _await(group: Kernels, board: Board[Any], budget: Budget) -> bool:
    while not _known(group):
        if board.stopped or budget.remaining() == 0:
            return False
        if budget.deadline is None:
            compile_now((group,))
            return True
        begin((group,))
        child = _CHILDREN.get(group.name)
        if group.name not in _CHILDREN or not _ended(child):
            time.sleep(_LOOK_SECONDS)
        elif _known(group):
            return True
        elif child is not None and child.returncode < 0:
            # Perhaps for memory, which compiling here would take too. The next search tries again.
            _LOG.warning("the process that compiles the %s kernels was killed", group.name)
            _reap(child)
            _CHILDREN.pop(group.name, None)
            return False
        else:
            compile_now((group,))
    return True


def _known(group: Kernels) -> bool:
    if group.name not in _DONE and machine_code.noted(group.name):
        _DONE.add(group.name)
    return group.name in _DONE


def _lost() -> bool:
    """Tell whether machine code of kernels that were compiled here could not be kept."""
    jit = sys.modules.get("scheduling.solvers.jit")
    return jit is not None and bool(jit.UNKEPT)


def _start(group: Kernels) -> subprocess.Popen[bytes] | None:
    """Start the process that compiles a group; ``None`` where there can be none.

    It has this one's path of modules. Its standard input tells it when this process ends, however
    that ends. Ctrl-C in a terminal is not for it: this process may go on after that.
    """
    nothing_kept = machine_code.note_of(group.name) is None or _lost()
    if nothing_kept or not sys.executable or getattr(sys, "frozen", False):
        return None
    place = (group.call.__module__, group.call.__qualname__, group.name)
    path = [*map(str, sys.path), str(_ROOT)]
    code = (
        f"import sys; sys.path[:] = {path!r}; "
        f"from scheduling.solvers.warmup import compile_called; compile_called(*{place!r})"
    )
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    apart = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, and names of this package
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
            creationflags=hidden | apart,
        )
    except OSError:
        return None
    with suppress(RuntimeError):  # Without one more thread it is only reaped later.
        threading.Thread(target=_reap, args=(child,), name="scheduling-reaper", daemon=True).start()
    return child


def _ended(child: subprocess.Popen[bytes] | None) -> bool:
    return child is None or child.poll() is not None


def _reap(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End what compiles for this process; the next run goes on behind the last kernel."""
    if child.poll() is None:
        child.kill()
    _reap(child)


def _end_of(pipe: IO[str]) -> threading.Event:
    """Return what is set when the process that holds the other end of a pipe has ended."""
    ended = threading.Event()

    def look() -> None:
        pipe.read()
        ended.set()
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()
    return ended


def _end_behind_a_kernel(ended: threading.Event) -> None:
    """End this process with another one, once the kernel at which it is has been kept.

    Runs that take less time than a kernel would otherwise leave nothing for those after them.
    """
    from scheduling.solvers import jit

    jit.KEPT_ONE.append(lambda: os._exit(1) if ended.is_set() else None)


@contextmanager
def _alone(name: str, ended: threading.Event) -> Iterator[None]:
    """Wait while another process compiles the same group, so that many do it once."""
    note = machine_code.note_of(name)
    try:
        import fcntl

        if note is None:
            raise OSError
        note.parent.mkdir(parents=True, exist_ok=True)
        lock = note.with_name(f"compiling-{name}").open("w")
    except (ImportError, OSError):
        yield
        return
    with lock:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not machine_code.noted(name):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if ended.wait(_LOOK_SECONDS):
                    os._exit(1)
            except OSError:  # A file system without locks.
                break
        yield


def _forget_children() -> None:
    """Leave those of the process that was forked to it, with the locks that its threads held."""
    global _COMPILING, _STARTING
    _COMPILING, _STARTING = threading.RLock(), threading.Lock()
    for child in _CHILDREN.values():
        if child is not None:
            child.returncode = 0
            if child.stdin is not None:
                child.stdin.close()
    _CHILDREN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_children)
