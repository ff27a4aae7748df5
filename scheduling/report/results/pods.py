"""What ``pods --json`` says beside the solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduling.report.results.content import Table, plain

Record = Mapping[str, Any]

BESIDE = ("steps", "unplaced", "changes", "notes")
"""What ``pods --json`` says beside the solution."""


def beside_tables(found: Record) -> list[Table]:
    """Return what ``pods --json`` says beside the solution: steps, what is left out, changes."""
    tables = []
    for name in BESIDE:
        entries = found.get(name, ())
        if entries and all(isinstance(entry, Mapping) for entry in entries):
            columns = list(entries[0])
            rows = [[plain(entry.get(column)) for column in columns] for entry in entries]
            tables.append(Table(name.capitalize(), columns, rows))
        elif entries:
            tables.append(Table(name.capitalize(), [name], [[plain(entry)] for entry in entries]))
    return tables
