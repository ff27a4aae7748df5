"""Columns of texts or JSON values as numbers; what is none is told by its row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_TOKENS = 2**31
"""Longest prompt or answer that is taken for one."""

DATES = "dates"
"""Unit of arrivals that are dates with a time of day."""

UNITS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
"""Nanoseconds of a unit of time."""

_MOST_NS = 2**62
_BROKEN = -1
_FIRST_YEAR, _LAST_YEAR = "1678", "2261"
"""Years whose nanoseconds fit into 64 bits."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d*)?)?)?)?", re.ASCII)
"""What numpy reads alike everywhere; zones it would read with a warning to people."""

_ZONE = re.compile(r" ?(Z|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)$", re.ASCII)


def counts(values: Sequence[Any]) -> Ints:
    """Translate whole numbers; -1 stands for what is none from 0 to 2 ** 31."""
    kinds = set(map(type, values))
    if kinds <= {int} or kinds == {str}:
        try:
            column = np.array(list(map(int, values)), dtype=np.int64)
        except (ValueError, OverflowError):
            pass
        else:
            column[(column < 0) | (column > MOST_TOKENS)] = _BROKEN
            return column
    return np.array([_count(value) for value in values], dtype=np.int64)


def _count(value: object) -> int:
    number = _number(value)
    if number is None or number != math.floor(number) or not 0 <= number <= MOST_TOKENS:
        return _BROKEN
    return int(number)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def nanoseconds(values: Sequence[Any], unit: str) -> tuple[Ints, NDArray[np.bool_]]:
    """Translate arrivals into nanoseconds, and tell which are none.

    Dates become nanoseconds since 1970, other arrivals must not be negative.
    """
    if unit == DATES:
        return _rows(values, _dates, _date)
    scale = UNITS[unit]
    return _rows(values, lambda raw: _scaled(raw, scale), lambda value: _time(value, scale))


def _rows(
    values: Sequence[Any],
    whole: Callable[[Sequence[Any]], Ints | None],
    single: Callable[[object], int | None],
) -> tuple[Ints, NDArray[np.bool_]]:
    """Translate the whole column at once, or value by value where something is odd."""
    column = whole(values)
    if column is not None:
        return column, np.zeros(len(column), dtype=np.bool_)
    each = [single(value) for value in values]
    odd = np.array([value is None for value in each], dtype=np.bool_)
    return np.array([value or 0 for value in each], dtype=np.int64), odd


def _scaled(values: Sequence[Any], scale: float) -> Ints | None:
    kinds = set(map(type, values))
    if not kinds <= {int, float, str}:
        return None
    try:
        if scale == 1.0:
            column = np.array(list(map(int, values)), dtype=np.int64)
        else:
            raw = np.array(list(map(float, values)), dtype=np.float64)
            if not (np.abs(raw) < _MOST_NS / scale).all():
                return None
            column = np.rint(raw * scale).astype(np.int64)
    except (ValueError, OverflowError):
        return None
    return None if (column < 0).any() else column


def _time(value: object, scale: float) -> int | None:
    number = _number(value)
    if number is None or not 0 <= number * scale < _MOST_NS:
        return None
    return round(number * scale)


def _dates(values: Sequence[Any]) -> Ints | None:
    if not values or set(map(type, values)) != {str}:
        return None
    texts: list[str] = list(values)
    zone = _zone(texts[0])
    if zone and all(text.endswith(zone) for text in texts):
        texts = [text[: -len(zone)] for text in texts]
    else:
        zone = ""
    if not all(map(_MOMENT.fullmatch, texts)):
        return None
    if not _FIRST_YEAR <= min(texts)[:4] <= max(texts)[:4] <= _LAST_YEAR:
        return None
    try:
        column = np.array(texts, dtype="datetime64[ns]")
    except (ValueError, OverflowError):
        return None
    return None if np.isnat(column).any() else column.astype(np.int64) - _shift_ns(zone)


def _date(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    zone = _zone(text)
    moment = text.removesuffix(zone)
    # A number alone would be taken for a year, and its nanoseconds would not fit.
    if not _MOMENT.fullmatch(moment) or not _FIRST_YEAR <= text[:4] <= _LAST_YEAR:
        return None
    try:
        base = np.datetime64(moment, "ns")
    except (ValueError, OverflowError):
        return None
    return None if np.isnat(base) else int(base.astype(np.int64)) - _shift_ns(zone)


def _zone(text: str) -> str:
    """Return the time zone at the end of a date with a time, empty without one."""
    found = _ZONE.search(text) if ":" in text else None
    return found[0] if found else ""


def _shift_ns(zone: str) -> int:
    """Nanoseconds by which a zone is ahead of universal time."""
    found = _ZONE.fullmatch(zone)
    if found is None or found[1] == "Z":
        return 0
    seconds = 3600 * int(found[3]) + 60 * int(found[4] or 0)
    return (seconds if found[2] == "+" else -seconds) * 10**9
