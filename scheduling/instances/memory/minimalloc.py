"""Buffers as tables of commas, as MiniMalloc and TelaMalloc read them.

Columns ``id`` (or ``buffer``, ``buffer_id``), ``lower`` (or ``begin``, ``start``), ``upper`` or an
inclusive ``end``, and ``size``; optional ``alignment``, ``hint`` (the offset that a buffer has to
have) and ``gaps`` (``3-5 8-9``, half-open). The capacity stands in the file's name, as in
``A.1048576.csv``, or is named with the format, ``minimalloc:1048576``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.instances.tables import Record, names_columns, once, tables, write_table
from scheduling.instances.text import excerpt
from scheduling.models.base import Problem
from scheduling.models.memory.problem import MOST_BYTES, Buffer, Gap, MemoryProblem

CAPACITY = "capacity"
"""What a number after the format's name stands for."""

_IDS = ("id", "buffer_id", "buffer")
_STARTS = ("lower", "begin", "start")
_OPTIONAL = ("alignment", "hint", "gaps")
_LATEST = 2**40
_IN_NAME = re.compile(r"\.([0-9]{1,16})\.csv$", re.IGNORECASE)
_GAP = re.compile(r"([0-9]{1,13})-([0-9]{1,13})")


def sniff_minimalloc(text: str) -> bool:
    """Tell whether the first line names the columns of buffers."""
    return any(
        names_columns(text, (name, start, end, "size"))
        for name in _IDS
        for start in _STARTS
        for end in ("upper", "end")
    )


def read_minimalloc(text: str, source: str | None, capacity: int | None = None) -> MemoryProblem:
    """Read buffers.

    Parameters
    ----------
    text, source
        Content and name of the file.
    capacity
        Bytes that there are; ``None``: those that the file's name states, if it does.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    found = tables(text, source)
    if len(found) != 1:
        expected = "one table with the columns id, lower, upper and size"
        raise InputError.single("line 1", f"{len(found)} tables", expected, source)
    table = found[0]
    key = _column(table.columns, _IDS, source)
    start = _column(table.columns, _STARTS, source)
    end = _column(table.columns, ("upper", "end"), source)
    _column(table.columns, ("size",), source)
    rows = list(once(table.records, key))
    buffers = tuple(_buffer(name, row, start, end) for name, row in rows)
    named = _IN_NAME.search(source or "")
    if capacity is None and named:
        capacity = int(named.group(1))
    name = None if source is None else PurePath(source).stem
    try:
        return MemoryProblem(name=name, buffers=buffers, capacity=capacity)
    except InputError as error:
        lines = [row.line for _, row in rows]
        raise InputError([_located(fault, lines) for fault in error.faults], source) from None


def _located(fault: Fault, lines: Sequence[int]) -> Fault:
    """Name the line of a buffer in the place of its number."""
    match = re.match(r"buffers\[(\d+)\]\.?(.*)", fault.place)
    if match is None:
        return fault
    place = f"line {lines[int(match.group(1))]}, {match.group(2)}".removesuffix(", ")
    return Fault(place, fault.found, fault.expected)


def _column(columns: Sequence[str], names: Sequence[str], source: str | None) -> str:
    for name in names:
        if name in columns:
            return name
    raise InputError.single("line 1", excerpt(", ".join(columns)), f"a column {names[0]}", source)


def _buffer(name: str, row: Record, start: str, end: str) -> Buffer:
    first, last = row.number(start, _LATEST), row.number(end, _LATEST - 1)
    # Of the two names of the column, the older one counts the last time in.
    last += end == "end"
    if last <= first:
        raise row.fault(end, str(last), f"a time after the start, {first}")
    size = row.number("size", MOST_BYTES)
    if size == 0:
        raise row.fault("size", "0", "at least 1")
    alignment = row.number("alignment", MOST_BYTES) if row.text("alignment") else 1
    offset = row.number("hint", MOST_BYTES) if row.text("hint") not in ("", "-1") else None
    return Buffer(
        id=name,
        start=first,
        end=last,
        size=size,
        alignment=max(1, alignment),
        offset=offset,
        gaps=tuple(_gaps(row)),
    )


def _gaps(row: Record) -> list[Gap]:
    found = []
    for part in row.text("gaps").split():
        match = _GAP.fullmatch(part)
        if match is None:
            expected = "times such as 3-5; windows such as 3-5@0:64 are not supported"
            raise row.fault("gaps", excerpt(part), expected)
        found.append(Gap(start=int(match.group(1)), end=int(match.group(2))))
    return found


def write_minimalloc(problem: Problem) -> str:
    """Write buffers; the capacity is left to the file's name.

    Raises
    ------
    UnsupportedError
        For aliases, which the format does not have.
    """
    if not isinstance(problem, MemoryProblem):
        raise UnsupportedError("format minimalloc holds problems of kind memory only")
    if any(buffer.alias is not None for buffer in problem.buffers):
        raise UnsupportedError("format minimalloc holds no aliases: write .yaml or .json instead")
    values: dict[str, Callable[[Buffer], object]] = {
        "alignment": lambda b: b.alignment,
        "hint": lambda b: -1 if b.offset is None else b.offset,
        "gaps": lambda b: " ".join(f"{gap.start}-{gap.end}" for gap in b.gaps),
    }
    plain = {"alignment": 1, "hint": -1, "gaps": ""}
    used = [
        name for name in _OPTIONAL if any(values[name](b) != plain[name] for b in problem.buffers)
    ]
    rows = (
        (b.id, b.start, b.end, b.size, *(values[name](b) for name in used)) for b in problem.buffers
    )
    return write_table(("id", "lower", "upper", "size", *used), rows)
