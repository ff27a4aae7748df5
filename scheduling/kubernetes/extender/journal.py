"""One JSON line for each event on standard error, written beside the server's work."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import TextIO

_MOST_WAITING = 10_000
_TICK = 0.1
"""Seconds between two writes."""


class Journal:
    """Writes events as JSON lines in a thread of its own: a reader that is slow stops nothing.

    The thread wakes a few times a second, not for each line: every change between threads may cost
    the one that answers requests its turn.

    Parameters
    ----------
    stream
        Where to; standard error by default.

    Attributes
    ----------
    dropped
        Lines that were given up because too many waited.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.dropped = 0
        self._stream = stream if stream is not None else sys.stderr
        self._waiting: deque[dict[str, object]] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True, name="journal")
        self._thread.start()

    def note(self, event: str, **fields: object) -> None:
        """Note an event with its fields."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append({"time": time.time(), "event": event, **fields})

    def close(self) -> None:
        """Write what waits, and end; a reader that takes nothing is waited for a second."""
        self._closing.set()
        self._thread.join(timeout=1.0)

    def _write(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_TICK)
            lines = [_line(self._waiting.popleft()) for _ in range(len(self._waiting))]
            if lines:
                try:
                    self._stream.write("".join(lines))
                    self._stream.flush()
                except (OSError, ValueError):
                    self.dropped += len(lines)


def _line(entry: dict[str, object]) -> str:
    moment = datetime.fromtimestamp(entry["time"], UTC)  # type: ignore[arg-type] # note has set it
    entry["time"] = moment.isoformat(timespec="milliseconds")
    return json.dumps(entry, ensure_ascii=False, default=str) + "\n"


class JournalHandler(logging.Handler):
    """Brings what libraries log into the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        trace = None
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
        self._journal.note(
            "log",
            level=record.levelname.lower(),
            logger=record.name,
            message=record.getMessage(),
            trace=trace,
        )
