"""Logs for services and machines: levels, and one JSON object a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from scheduling.errors import InputError, did_you_mean

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")

CHOSEN = "scheduling.logs"
"""Where a call keeps the level and the format that it was asked for."""

LOG = logging.getLogger("scheduling")
"""Root of everything that the package logs."""

_OURS = "scheduling.cli"

_PLAIN = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"))
"""What every record has; the rest are fields of its own."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the record's own fields, its trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Level and message with the record's own fields behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{record.levelname.lower()}: {record.getMessage()}{fields}{trace}"


def configure(level: str | None, format_: str | None) -> None:
    """Write what is logged to standard error; without either argument, warnings alone as text.

    Parameters
    ----------
    level
        One of :data:`LEVELS`; default with a format: ``info``.
    format_
        One of :data:`FORMATS`; default: ``text``.

    Raises
    ------
    InputError
        When there is no such level or format.
    """
    for option, value, known in (
        ("--log-level", level, LEVELS),
        ("--log-format", format_, FORMATS),
    ):
        if value is not None and value not in known:
            expected = f"one of: {', '.join(known)}{did_you_mean(value, known)}"
            raise InputError.single(option, repr(value), expected)
    LOG.handlers = [handler for handler in LOG.handlers if handler.get_name() != _OURS]
    LOG.setLevel(logging.NOTSET)
    if level is None and format_ is None:
        return
    handler = logging.StreamHandler()
    handler.set_name(_OURS)
    handler.setFormatter(JsonFormatter() if format_ == "json" else TextFormatter())
    LOG.addHandler(handler)
    LOG.setLevel((level or "info").upper())


def levels() -> list[str]:
    """Complete levels."""
    return list(LEVELS)


def formats() -> list[str]:
    """Complete formats."""
    return list(FORMATS)


def structured() -> bool:
    """Return whether standard error takes JSON alone, remarks for people included."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in LOG.handlers)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
