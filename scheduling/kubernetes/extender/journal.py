"""One JSON line for each event on standard error, written beside the server's work."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import sys
import threading
from datetime import UTC, datetime
from typing import TextIO

_LONGEST_QUEUE = 10_000


class Journal:
    """Writes events as JSON lines in a thread of its own: a reader that is slow stops nothing.

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
        self._queue: queue.Queue[dict[str, object] | None] = queue.Queue(_LONGEST_QUEUE)
        self._thread = threading.Thread(target=self._write, daemon=True, name="journal")
        self._thread.start()

    def note(self, event: str, **fields: object) -> None:
        """Note an event with its fields."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self._queue.put_nowait({"time": now, "event": event, **fields})
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what waits, and end; a reader that takes nothing is waited for a second."""
        try:
            self._queue.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(timeout=1.0)

    def _write(self) -> None:
        while (entry := self._queue.get()) is not None:
            try:
                self._stream.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


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
