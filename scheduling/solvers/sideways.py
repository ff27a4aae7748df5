"""Running searches side by side: threads whose failures surface."""

from __future__ import annotations

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

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` beside the caller."""

        def body() -> None:
            try:
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
