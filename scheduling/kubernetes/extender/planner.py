"""Keeps a solver process at work on the newest state, and starts another when it dies."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from scheduling.kubernetes.extender.plan import Plan
from scheduling.kubernetes.extender.worker import Change, News, Settings, run
from scheduling.kubernetes.state import ClusterState, Key, Object

_TICK = 0.05
"""Seconds in which changes are gathered before they are told to the solver."""

_PART = 500
"""Changes told at a time."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
"""Seconds before a dead process is followed by the next, doubled with each that made no plan."""

_PATIENCE = 300.0
"""Seconds beyond ten time limits after which a solver that says nothing counts as hung."""


class Planner:
    """The newest plan, and who makes it.

    Parameters
    ----------
    state
        The cluster; planning begins when it is synced.
    settings
        How plans are made.

    Attributes
    ----------
    plan
        The last plan; ``None`` before the first.
    made
        When it came, on the monotonic clock.
    error
        Why the last attempt made no plan; ``None``: it did.
    solving
        Whether a solver works on a state that it has been told.
    plans, failures, restarts
        How many plans came, attempts failed and processes had to be replaced.
    """

    def __init__(self, state: ClusterState, settings: Settings) -> None:
        self.plan: Plan | None = None
        self.made: float | None = None
        self.error: str | None = None
        self.solving = False
        self.plans = self.failures = self.restarts = 0
        self._state = state
        self._settings = settings
        self._process: SpawnProcess | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="planner")
        self._pause = _FIRST_PAUSE

    @property
    def pid(self) -> int | None:
        """Process of the solver; ``None`` between two."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the solver's process."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.kill()
        self._thread.join()

    def _work(self) -> None:
        _keep_interrupts_here()
        while not self._stopping.is_set():
            self._serve()
            if self._stopping.wait(self._pause):
                return
            self.restarts += 1
            self._pause = min(2.0 * self._pause, _LONGEST_PAUSE)

    def _serve(self) -> None:
        """Talk to one process until it ends."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        feed = _Feed(self._state)
        process = context.Process(target=run, args=(theirs, self._settings), daemon=True)
        process.start()
        theirs.close()
        self._process = process
        try:
            self._talk(ours, feed)
        except (EOFError, OSError):
            pass  # It has died, and another follows.
        finally:
            self._process, self.solving = None, False
            feed.close()
            process.kill()
            process.join()
            process.close()
            ours.close()

    def _talk(self, connection: Connection, feed: _Feed) -> None:
        limit = _PATIENCE + 10.0 * self._settings.time_limit
        heard = time.monotonic()
        answered: int | None = None
        while not self._stopping.is_set():
            for news in feed.news():
                connection.send(news)
            self.solving = answered != feed.told
            if connection.poll(_TICK):
                answered, found = connection.recv()
                self._take(found)
                heard = time.monotonic()
            elif not self.solving:
                heard = time.monotonic()
            elif time.monotonic() - heard > limit:
                return

    def _take(self, found: Plan | str) -> None:
        if isinstance(found, str):
            self.error = found
            self.failures += 1
            return
        self.plan, self.made, self.error = found, time.monotonic(), None
        self.plans += 1
        self._pause = _FIRST_PAUSE


def _keep_interrupts_here() -> None:
    """Have Ctrl-C pass by the processes that this thread starts, from their first moment on.

    A terminal sends it to all of them; the server ends them itself.
    """
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # Its start would let them through again.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


class _Feed:
    """What a process has not been told yet."""

    def __init__(self, state: ClusterState) -> None:
        self.told: int | None = None
        self._state = state
        self._changes: dict[tuple[str, Key], Object | None] = {}
        state.subscribe(self._note)

    def close(self) -> None:
        self._state.unsubscribe(self._note)

    def news(self) -> Iterator[News]:
        """Yield what has changed since the last call, in parts; nothing before the first sync."""
        if not self._state.synced():
            return
        with self._state.lock:
            version = self._state.version
            if version == self.told:
                return
            found, self._changes = self._changes, {}
        self.told = version
        changes: list[Change] = [(kind, key, obj) for (kind, key), obj in found.items()]
        starts = range(0, max(1, len(changes)), _PART)
        for start in starts:
            part = tuple(changes[start : start + _PART])
            yield News(version, part, more=start != starts[-1])

    def _note(self, kind: str, key: Key, before: Object | None, after: Object | None) -> None:  # noqa: ARG002 - the form of a listener
        self._changes[kind, key] = after
