"""Rows of a trace, chunk by chunk, so that files of any length fit."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from scheduling.errors import Fault, InputError
from scheduling.instances.text import PACKED, excerpt

CHUNK = 5_000
"""Rows that are translated at once."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Parameters
    ----------
    lines
        Line of each row.
    columns
        Values of the columns asked for, by their names; ``None`` where a row has none.
    broken
        Faults of rows that are none; they are not in ``lines``.
    """

    lines: list[int]
    columns: dict[str, list[object]]
    broken: list[Fault]


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, packed or not.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        if path.suffix == PACKED:
            with gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
                yield file
        else:
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield file
    except (OSError, EOFError) as error:
        found = (getattr(error, "strerror", None) or str(error) or "an error").lower()
        raise InputError.single("file", found, "a file that can be read", str(path)) from None


def header_of(path: Path) -> tuple[str, frozenset[str]]:
    """Return the first line's shape, ``csv`` or ``jsonl``, and its columns in small letters.

    Raises
    ------
    InputError
        When there is no line, it is not text, or it starts a JSON object and does not end it.
    """
    with opened(path) as file:
        first = next((line for line in file if line.strip()), "")
    if not first:
        raise InputError.single("line 1", "an empty file", "the columns of a trace", str(path))
    if "\0" in first:
        # UTF-16 and packed files whose names do not say so hold them, too.
        raise InputError.single("line 1", "a zero byte", "text, not binary data", str(path))
    if first.lstrip().startswith("{"):
        try:
            fields = json.loads(first)
        except (ValueError, RecursionError):
            expected = "a JSON object with the columns of a trace"
            raise InputError.single("line 1", excerpt(first), expected, str(path)) from None
        return "jsonl", frozenset(map(str.lower, fields))
    names = next(csv.reader([first]), [])
    return "csv", frozenset(name.strip().lower() for name in names)


def csv_chunks(file: TextIO, names: tuple[str, ...], source: str) -> Iterator[Chunk]:
    """Read a table with a header.

    Raises
    ------
    InputError
        For text that is no table: a quote that never ends.
    """
    reader = csv.reader(file)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        at = [header.index(name) for name in names]
        line = reader.line_num
        while rows := list(islice(reader, CHUNK)):
            yield _table(rows, line, names, at, len(header))
            line = reader.line_num
    except csv.Error as error:
        place = f"line {reader.line_num}"
        raise InputError.single(place, str(error), "a row of the table", source) from None


def _table(
    rows: list[list[str]], line: int, names: tuple[str, ...], at: list[int], width: int
) -> Chunk:
    lines = list(range(line + 1, line + 1 + len(rows)))
    broken: list[Fault] = []
    if set(map(len, rows)) != {width}:
        whole = []
        kept = []
        for number, row in zip(lines, rows, strict=True):
            if len(row) == width:
                whole.append(row)
                kept.append(number)
            elif row:
                broken.append(Fault(f"line {number}", f"{len(row)} entries", f"{width}"))
        rows, lines = whole, kept
    turned = list(zip(*rows, strict=True)) or [()] * width
    columns: dict[str, list[object]] = {
        name: list(turned[position]) for name, position in zip(names, at, strict=True)
    }
    return Chunk(lines, columns, broken)


def json_chunks(file: TextIO, names: tuple[str, ...]) -> Iterator[Chunk]:
    """Read lines of JSON objects."""
    numbered = enumerate(file, start=1)
    while part := list(islice(numbered, CHUNK)):
        lines: list[int] = []
        columns: dict[str, list[object]] = {name: [] for name in names}
        broken: list[Fault] = []
        for number, text in part:
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError):
                broken.append(Fault(f"line {number}", "no JSON", "a JSON object"))
                continue
            if not isinstance(row, dict):
                broken.append(Fault(f"line {number}", "no object", "a JSON object"))
                continue
            lines.append(number)
            fields = {key.lower(): value for key, value in row.items()}
            for name in names:
                columns[name].append(fields.get(name))
        yield Chunk(lines, columns, broken)
