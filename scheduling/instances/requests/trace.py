"""A trace as it was read: its requests, and what was wrong with its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.errors import Fault
from scheduling.models.requests.blocks import Blocks
from scheduling.models.requests.table import RequestTable

MOST_FAULTS = 100
"""Broken rows whose faults are kept; all are counted."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests of a file.

    Parameters
    ----------
    table
        The requests, in order of arrival.
    source
        Name of the file.
    format
        Name of its format.
    rows
        Rows that its requests come from, those that were left out included.
    broken
        Rows that were left out because something is wrong with them.
    faults
        What is wrong with the first of these, with their lines.
    late
        Rows that stood behind a later arrival and were moved.
    timed
        Whether the file has arrivals; without, all are at time 0 and only lengths mean something.
    blocks
        Blocks of the prompts, where the file has them.
    """

    table: RequestTable
    source: str
    format: str
    rows: int
    broken: int = 0
    faults: tuple[Fault, ...] = ()
    late: int = 0
    timed: bool = True
    blocks: Blocks | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of the file, one line each; nothing when all was well."""
        notes = []
        if self.broken:
            rows = f"{self.broken} of {self.rows} rows"
            notes.append(f"{self.source}: {rows} are broken and left out, first {self.faults[0]}")
        if self.late:
            notes.append(f"{self.source}: {self.late} rows stand behind later ones and were sorted")
        return tuple(notes)


def every_fault(faults: Sequence[Fault], broken: int) -> list[Fault]:
    """Return the faults that were kept, and one that counts the broken rows beyond them."""
    more = broken - len(faults)
    return [*faults, *([Fault("file", f"{more} broken rows more", "none")] if more else [])]
