"""Running searches side by side: threads whose failures surface and whose priority is stated."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Self


class Sideways:
    """Searches that run in threads of their own until each returns.

    Examples
    --------
    >>> found = []
    >>> with Sideways() as side:
    ...     side.start("first", lambda: found.append(1))
    >>> found
    [1]
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def start(self, name: str, work: Callable[[], None], *, yielding: bool = False) -> None:
        """Run ``work`` beside the caller.

        With ``yielding`` the thread and those it starts give way to others on a busy machine.
        Where the system has no priorities for threads, all run alike.
        """

        def body() -> None:
            try:
                if yielding:
                    _give_way()
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by finish
                self._failures.append(error)

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def finish(self) -> None:
        """Wait for all; raise the first failure."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Wait for all searches."""
        self.finish()


_NICENESS = 10
"""Ten steps of niceness weigh a thread at about a ninth: eight of them share one processor with
one thread of normal priority about evenly."""


def _give_way() -> None:
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        except OSError:
            return
