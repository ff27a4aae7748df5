"""One line for each event on standard error, written beside the server's work."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_MOST_WAITING = 10_000
_TICK = 0.1
"""Seconds between two writes."""


LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""Levels of events, the least one first."""

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""Identifier of the request that is answered now."""

_HEAD = ("time", "level", "event")


class Journal:
    """Writes events as JSON lines in a thread of its own: a reader that is slow stops nothing.

    The thread wakes a few times a second, not for each line: every change between threads may cost
    the one that answers requests its turn.

    Parameters
    ----------
    stream
        Where to; standard error by default.
    level
        Least level of what is written: ``debug``, ``info``, ``warning`` or ``error``.
    as_text
        Write ``event field=value …`` for people instead of JSON.

    Attributes
    ----------
    dropped
        Lines that were given up because too many waited.
    """

    def __init__(
        self, stream: TextIO | None = None, level: str = "info", *, as_text: bool = False
    ) -> None:
        self.dropped = 0
        self._least = LEVELS[level]
        self._line = _text if as_text else _json
        self._stream = stream if stream is not None else sys.stderr
        self._waiting: deque[dict[str, object]] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True, name="journal")
        self._thread.start()

    def note(self, event: str, level: str = "info", **fields: object) -> None:
        """Note an event with its fields, and the request that it belongs to."""
        if LEVELS[level] < self._least:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        entry: dict[str, object] = {"time": time.time(), "level": level, "event": event}
        request = REQUEST.get()
        if request is not None:
            entry["request"] = request
        self._waiting.append({**entry, **fields})

    def close(self) -> None:
        """Write what waits, and end; a reader that takes nothing is waited for a second."""
        self._closing.set()
        self._thread.join(timeout=1.0)

    def _write(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_TICK)
            lines = [self._line(self._waiting.popleft()) for _ in range(len(self._waiting))]
            if lines:
                try:
                    self._stream.write("".join(lines))
                    self._stream.flush()
                except (OSError, ValueError):
                    self.dropped += len(lines)


def _json(entry: dict[str, object]) -> str:
    return json.dumps({**entry, "time": _moment(entry)}, ensure_ascii=False, default=str) + "\n"


def _text(entry: dict[str, object]) -> str:
    head = f"{_moment(entry)} {entry['level']} {entry['event']}"
    told = {name: value for name, value in entry.items() if name not in _HEAD and value is not None}
    return head + "".join(f" {name}={value}" for name, value in told.items()) + "\n"


def _moment(entry: dict[str, object]) -> str:
    moment = datetime.fromtimestamp(entry["time"], UTC)  # type: ignore[arg-type] # note has set it
    return moment.isoformat(timespec="milliseconds")


class JournalHandler(logging.Handler):
    """Brings what libraries log into the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        trace = None
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
        level = record.levelname.lower()
        self._journal.note(
            "log",
            level=level if level in LEVELS else "error",
            logger=record.name,
            message=record.getMessage(),
            trace=trace,
        )
