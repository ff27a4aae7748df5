"""Tables in text: a line of column names, then a line a row; a blank line ends a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scheduling.errors import InputError
from scheduling.instances.text import excerpt, is_integer
from scheduling.models.placement.parts import MAX_AMOUNT

_LONGEST_NAME = 400


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table.

    Parameters
    ----------
    line
        Its line in the file, counted from 1.
    fields
        Its entries by the names of the columns.
    source
        The file's name, for faults.
    """

    line: int
    fields: dict[str, str]
    source: str | None

    def text(self, column: str) -> str:
        """Return an entry without white space around it; empty when the table lacks the column."""
        return self.fields.get(column, "").strip()

    def name(self, column: str) -> str:
        """Return an entry that names something."""
        found = self.text(column)
        if not 0 < len(found) <= _LONGEST_NAME:
            raise self.fault(column, excerpt(found), f"a name of 1 to {_LONGEST_NAME} characters")
        return found

    def number(self, column: str, high: int = MAX_AMOUNT) -> int:
        """Return an entry that is a whole number from 0 to ``high``."""
        found = self.text(column)
        if not is_integer(found) or not 0 <= int(found) <= high:
            raise self.fault(column, excerpt(found), f"a whole number from 0 to {high}")
        return int(found)

    def fault(self, column: str, found: str, expected: str) -> InputError:
        """Build the error for a fault in one entry."""
        return InputError.single(f"line {self.line}, {column}", found, expected, self.source)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under one line of column names."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]


def tables(text: str, source: str | None) -> list[Table]:
    """Split a text into its tables.

    Raises
    ------
    InputError
        With the line of a row that has more or fewer entries than there are columns, or of a
        column that is named twice.
    """
    found: list[Table] = []
    for block in _blocks(text):
        first, names = _entries(*block[0], source)
        columns = tuple(name.strip() for name in names)
        if len(set(columns)) < len(columns):
            place = f"line {first}"
            raise InputError.single(place, excerpt(block[0][1]), "each column once", source)
        records = []
        for number, line in block[1:]:
            _, row = _entries(number, line, source)
            if len(row) != len(columns):
                expected = f"{len(columns)}: {excerpt(', '.join(columns))}"
                raise InputError.single(f"line {number}", f"{len(row)} entries", expected, source)
            records.append(Record(number, dict(zip(columns, row, strict=True)), source))
        found.append(Table(columns, tuple(records)))
    return found


def names_columns(text: str, columns: Sequence[str]) -> bool:
    """Tell whether the first line that is not blank names all these columns."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return set(columns) <= {name.strip() for name in first.split(",")}


def once(records: Iterable[Record], column: str) -> Iterator[tuple[str, Record]]:
    """Yield each row with its name; two rows of one name are a fault."""
    seen: set[str] = set()
    for record in records:
        name = record.name(column)
        if name in seen:
            raise record.fault(column, f"{excerpt(name)} again", "each name once")
        seen.add(name)
        yield name, record


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write one table."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield runs of lines that are not blank, with their numbers."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _entries(number: int, line: str, source: str | None) -> tuple[int, list[str]]:
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error as error:
        expected = f"entries separated by commas ({error})"
        raise InputError.single(f"line {number}", excerpt(line), expected, source) from None
    return number, rows[0]
