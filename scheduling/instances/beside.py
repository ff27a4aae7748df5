"""Formats of several files: the table that a file lacks is read from a file beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from scheduling.errors import InputError
from scheduling.instances.tables import Table, tables
from scheduling.instances.text import STANDARD_INPUT, decode, excerpt, split_fragment


def both_tables(
    text: str,
    source: str | None,
    kinds: Sequence[tuple[str, Sequence[str]]],
    beside: Callable[[Path], Sequence[Path]],
) -> list[Table]:
    """Return the tables of a text, one of each kind, in the order of ``kinds``.

    Parameters
    ----------
    text
        One table of each kind, or one table alone.
    source
        Name of the file; a name behind ``#`` is that of the file with the other table.
    kinds
        What a table holds, for faults, and the columns by which it is known.
    beside
        From a file to the files in which the other table is looked for.

    Raises
    ------
    InputError
        When a table is missing, not known or there twice.
    """
    found = _sorted(text, source, kinds)
    missing = [index for index, table in enumerate(found) if table is None]
    if len(missing) == 1:
        other = _other(source, kinds[missing[0]][0], beside)
        for index, table in enumerate(_sorted(read_beside(other), str(other), kinds)):
            if table is not None and index == missing[0]:
                found[index] = table
    for (what, columns), table in zip(kinds, found, strict=True):
        if table is None:
            expected = f"a table of {what} with the columns {', '.join(columns)}"
            raise InputError.single("document", "none", expected, source)
    return [table for table in found if table is not None]


def _sorted(
    text: str, source: str | None, kinds: Sequence[tuple[str, Sequence[str]]]
) -> list[Table | None]:
    found: list[Table | None] = [None] * len(kinds)
    for table in tables(text, source):
        fitting = [i for i, (_, columns) in enumerate(kinds) if set(columns) <= set(table.columns)]
        if len(fitting) != 1 or found[fitting[0]] is not None:
            known = " or ".join(f"{what} ({', '.join(columns)})" for what, columns in kinds)
            shown = f"a table with the columns {excerpt(', '.join(table.columns))}"
            raise InputError.single("document", shown, f"one table each of {known}", source)
        found[fitting[0]] = table
    return found


def _other(source: str | None, what: str, beside: Callable[[Path], Sequence[Path]]) -> Path:
    """Return the file that holds the table that is missing."""
    if source is None or source == STANDARD_INPUT:
        expected = f"the {what} in the same text, behind a blank line"
        raise InputError.single("document", f"no table of {what}", expected, source)
    name, chosen = split_fragment(source)
    file = Path(name)
    candidates = [file.parent / chosen] if chosen else list(beside(file))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = " or ".join(path.name for path in candidates)
    expected = f"{names or 'a file'} beside it, or {file.name}#FILE to name another"
    raise InputError.single("document", f"no table of {what}", expected, source)


def read_beside(path: Path) -> str:
    """Return the text of a file that another one names.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        found = (error.strerror or "an error").lower()
        raise InputError.single("file", found, "a file that can be read", str(path)) from None
