"""Running a search in a thread while the caller watches the clock, the board and Ctrl-C."""

from __future__ import annotations

import atexit
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from scheduling.solvers.board import Board, Budget

T = TypeVar("T")

_GRACE = 1.0
"""Seconds that the search for one answer may take to end after it was told to."""

_LAST_GRACE = 5.0
"""Seconds that the end of the process waits for searches that were left behind."""

_LEFT: list[threading.Thread] = []

_PART: ContextVar[bool] = ContextVar("part of a larger whole", default=False)


def run_watched(
    search: Callable[[], None],
    board: Board[Any],
    budget: Budget,
    grace: float,
    report: Callable[[], None],
    answered: float | None = None,
) -> bool:
    """Run a search until it ends, the budget is spent or the user interrupts.

    A search that does not react is left behind: the answer does not wait for it. The end of the
    process does, for a moment, because an engine that is torn down while its threads work aborts.

    Parameters
    ----------
    search
        The work; it posts to ``board`` and ends soon after the board stops.
    board, budget
        Where it posts, and how long it may take.
    grace
        Seconds that it may take to end after it was told to.
    report
        Called whenever something may have been posted.
    answered
        Moment of the monotonic clock at which it is ended if anything is on the board by then;
        ``None``: the end of the budget.

    Returns
    -------
    bool
        Whether a keyboard interrupt ended it. A second one is raised, and so is the first within
        :func:`one_of_many`.
    """
    failure: list[BaseException] = []

    def work() -> None:
        try:
            search()
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            failure.append(error)
        finally:
            board.stop()

    thread = threading.Thread(target=work, name="scheduling-search", daemon=True)
    with _interrupts() as noted:
        thread.start()
        try:
            _watch(board, thread, budget, grace, report, answered, noted)
        finally:
            board.stop()
            if thread.is_alive():
                _leave(thread)
    if failure:
        raise failure[0]
    if noted.is_set() and ends_the_whole():
        raise KeyboardInterrupt
    return noted.is_set()


def answer_to(question: Callable[[Board[Any]], T], budget: Budget) -> T | None:
    """Return the answer to a question that is asked outside of a solve, as explanations do.

    Engines that run in the main thread do not look at Ctrl-C before they end.

    Parameters
    ----------
    question
        Finds the answer; ends soon after the board that it is given stops.
    budget
        How long it may take.

    Returns
    -------
    T or None
        ``None`` when it did not end in time. Ctrl-C ends it as in :func:`run_watched`.
    """
    board: Board[Any] = Board(0, (), time.monotonic())
    found: list[T] = []
    run_watched(lambda: found.append(question(board)), board, budget, _GRACE, lambda: None)
    return found[0] if found else None


@contextmanager
def one_of_many() -> Iterator[None]:
    """Have Ctrl-C end the whole that searches are parts of, and not only the one under way."""
    token = _PART.set(True)
    try:
        yield
    finally:
        _PART.reset(token)


@contextmanager
def whole() -> Iterator[threading.Event]:
    """Note the first Ctrl-C for a whole of several searches, which is to end with what it has.

    The search under way ends with its best, and so does each one behind it, at once. Within
    :func:`one_of_many` the interrupt is raised at the end.
    """
    with _interrupts() as noted:
        yield noted
    if noted.is_set() and ends_the_whole():
        raise KeyboardInterrupt


@contextmanager
def raised() -> Iterator[None]:
    """Raise Ctrl-C at once in work that does not look at what :func:`whole` notes."""
    with _handled_by(signal.default_int_handler, _NOTE.get()):
        yield


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until something is done elsewhere.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C; it is never lost here, as it is noted before it is raised.
    """
    with _interrupts() as noted:
        while not done():
            if noted.is_set():
                raise KeyboardInterrupt
            time.sleep(0.02)


def interruptible(work: Callable[[], object]) -> None:
    """Do work in a thread that is left behind at Ctrl-C, which its engine might drop.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C.
    """
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            failure.append(error)

    thread = threading.Thread(target=run, name="scheduling-work", daemon=True)
    thread.start()
    try:
        wait_for(lambda: not thread.is_alive())
    finally:
        if thread.is_alive():
            _leave(thread)
    if failure:
        raise failure[0]


def ends_the_whole() -> bool:
    """Tell whether Ctrl-C ends more than a search: whether this is within :func:`one_of_many`."""
    return _PART.get()


def _watch(
    board: Board[Any],
    thread: threading.Thread,
    budget: Budget,
    grace: float,
    report: Callable[[], None],
    answered: float | None,
    interrupted: threading.Event,
) -> None:
    patience: float | None = None
    while thread.is_alive() and (patience is None or time.monotonic() < patience):
        try:
            left = budget.remaining()
            if answered is not None and board.best is not None:
                left = max(0.0, answered - time.monotonic())
            if interrupted.is_set() or (left is not None and left <= 0):
                board.stop()
            if board.stopped:
                patience = patience or time.monotonic() + grace
                thread.join(0.02)
            else:
                board.wait(0.1 if left is None else min(left, 0.1))
            report()
        except KeyboardInterrupt:
            if interrupted.is_set():
                raise
            interrupted.set()
    report()


class _Note:
    """Notes the first Ctrl-C instead of raising it, and raises the second."""

    def __init__(self) -> None:
        self.seen = threading.Event()

    def __call__(self, number: int, frame: Any) -> None:
        if self.seen.is_set():
            signal.default_int_handler(number, frame)
        self.seen.set()


_NOTE: ContextVar[_Note | None] = ContextVar("who notes Ctrl-C", default=None)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Note the first Ctrl-C instead of raising it; raise the second.

    Raised, it can be lost: Python drops what is raised while it collects garbage. Programs with a
    handler of their own keep it, and threads have none. Within :func:`whole` its note is the one.
    """
    outer = _NOTE.get()
    if outer is not None:
        yield outer.seen
        return
    note = _Note()
    token = _NOTE.set(note)
    try:
        with _handled_by(note, signal.default_int_handler):
            yield note.seen
    finally:
        _NOTE.reset(token)


@contextmanager
def _handled_by(handler: Any, before: Any) -> Iterator[None]:
    """Have a handler take Ctrl-C where another one does, and give it back."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not before:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(thread: threading.Thread) -> None:
    """Remember a search that was told to end and has not ended yet."""
    atexit.unregister(_wait_for_those_left)
    atexit.register(_wait_for_those_left)
    _LEFT[:] = [*(other for other in _LEFT if other.is_alive()), thread]


def _wait_for_those_left() -> None:
    deadline = time.monotonic() + _LAST_GRACE
    for thread in _LEFT:
        thread.join(max(0.0, deadline - time.monotonic()))
