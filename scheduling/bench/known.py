"""Tables of best known values, as the public data sets write them.

A table maps an instance to one of these entries:

- ``{lb, ub}``, with ``null`` for unknown;
- ``{best, cpsat…: {lb}}``: the best value and a bound beside it;
- ``{total_tardiness, proven}`` or ``{weighted_tardiness, proven_in_source}``: the value of the
  objective that the key names, the optimum where it is proven;
- ``{heft}`` or ``{heft_ms}``: the value of a heuristic, where nothing better is known;
- ``{4: {lb, ub}, …}``: one of these for each number of operators;
- ``{identical_processors: {4: value, …}}``: optimal values for each number of processors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scheduling.errors import InputError

TABLE = "best_known.json"
_VALUES = ("ub", "best", "weighted_tardiness", "total_tardiness", "heft", "heft_ms")
"""Keys of a value, of which the first that an entry has counts."""
_PROOFS = ("proven", "proven_in_source")


@dataclass(frozen=True, slots=True)
class Known:
    """Best known bounds of an optimum; ``None`` when unknown.

    Parameters
    ----------
    lower, upper
        Bounds.
    number
        Of operators or processors, where the instance's file leaves it open.
    """

    lower: float | None = None
    upper: float | None = None
    number: int | None = None


@cache
def read_table(path: Path) -> dict[str, Any]:
    """Read a table; the same file is read once.

    Raises
    ------
    InputError
        When it is no JSON object.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        found = str(error)
        raise InputError.single("document", found, "a JSON object", str(path)) from None
    if not isinstance(table, dict):
        raise InputError.single("document", type(table).__name__, "a JSON object", str(path))
    return table


def table_above(path: Path) -> Path | None:
    """Return the table in the closest folder above a file."""
    tables = (folder / TABLE for folder in path.parents)
    return next((table for table in tables if table.is_file()), None)


def entry_of(path: Path, table: Path) -> dict[str, Any] | None:
    """Return a file's entry in a table, which may leave out the ending of its name."""
    entries = read_table(table)
    inner = path.relative_to(table.parent).as_posix()
    return entries.get(inner, entries.get(inner.removesuffix(path.suffix)))


def entry_of_member(name: str, table: Path) -> dict[str, Any] | None:
    """Return the entry of one of several instances in a file, which tables list by its name."""
    entry: dict[str, Any] | None = read_table(table).get(name)
    return entry


def known_values(entry: dict[str, Any] | None) -> list[Known]:
    """Return what an entry says: one element, or one for each number of machines or people."""
    if not entry:
        return [Known()]
    counts = entry.get("identical_processors")
    if counts is not None:
        return [Known(value, value, int(number)) for number, value in counts.items()]
    if all(key.isdigit() for key in entry):
        return [_single(inner, int(number)) for number, inner in entry.items()]
    return [_single(entry, None)]


def _single(entry: dict[str, Any], number: int | None) -> Known:
    upper = next((entry[key] for key in _VALUES if key in entry), None)
    beside = (value for value in entry.values() if isinstance(value, dict) and "lb" in value)
    proven = upper if any(entry.get(key) for key in _PROOFS) else None
    lower = entry.get("lb", next((value["lb"] for value in beside), proven))
    return Known(lower, upper, number)
