"""What the atlas knows of each system, as objects and as plain data."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.files import read_text
from scheduling.instances.jsontext import parse_json
from scheduling.machine import memory, usable_cores
from scheduling.scenarios.atlas.verdicts import Judgement, Verdict, judge
from scheduling.scenarios.registry import SCENARIOS, scenario
from scheduling.scenarios.scenario import Row
from scheduling.schemas import opened

KIND = "atlas"
"""Kind of the documents that hold it."""


class Outcome(StrEnum):
    """How a scenario's run ended."""

    RAN = "ran"
    NEEDS_DATA = "needs data"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario's run.

    Parameters
    ----------
    name
        Of the scenario.
    outcome
        How it ended.
    seconds
        What it took, wall-clock.
    rows
        What it returned.
    reason
        What it wants, or why it was stopped or failed; ``None`` when it ran.
    """

    name: str
    outcome: Outcome
    seconds: float
    rows: tuple[Row, ...] = ()
    reason: str | None = None

    @property
    def judgement(self) -> Judgement:
        """The verdict on its rows."""
        if self.outcome is Outcome.RAN:
            return judge(scenario(self.name).targets, self.rows)
        why = self.reason or self.outcome.value
        if self.outcome is Outcome.NEEDS_DATA:
            return Judgement(Verdict.NEEDS_DATA, why, None)
        return Judgement(Verdict.NOT_REPRODUCED, why, None)

    def record(self) -> dict[str, Any]:
        """Return it as plain data, with its scenario and its verdict."""
        about, found = scenario(self.name), self.judgement
        row = found.row
        return {
            "name": self.name,
            "system": about.system,
            "problem": about.problem,
            "data": about.wants,
            "command": about.command,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "seconds": self.seconds,
            "verdict": found.verdict.value,
            "why": found.why,
            "figure": None if row is None else row_record(row),
            "rows": [row_record(one) for one in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Atlas:
    """A table of runs.

    Parameters
    ----------
    entries
        One for each scenario that has run, in the registry's order.
    budget_seconds
        What each might take.
    total
        How many scenarios it is to have.
    """

    entries: tuple[Entry, ...]
    budget_seconds: float
    total: int

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        verdicts = [entry.judgement.verdict for entry in self.entries]
        release, python = _made_by()
        return {
            "kind": KIND,
            "command": _command(self),
            "version": release,
            "machine": machine_class(),
            "python": python,
            "budget_seconds": self.budget_seconds,
            "total": self.total,
            "verdicts": {one.value: verdicts.count(one) for one in Verdict},
            "systems": [entry.record() for entry in self.entries],
        }


def row_record(row: Row) -> dict[str, Any]:
    """Return a row as plain data, with its ratio."""
    return {**asdict(row), "ratio": row.ratio}


def row_of(record: dict[str, Any]) -> Row:
    """Return the row of plain data."""
    return Row(**{field.name: record[field.name] for field in fields(Row)})


def read_entries(path: Path, budget_seconds: float) -> list[Entry]:
    """Return the runs of a file that an atlas of the same budget need not repeat.

    Runs of another release or version of Python, and those that were stopped, failed or lacked
    data, are not among them.

    Raises
    ------
    InputError
        When the file is no atlas.
    """
    document = opened(parse_json(*read_text(path)), str(path))
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise InputError.single("document", "another document", "an atlas", str(path))
    try:
        if (document["version"], document["python"]) != _made_by():
            return []
        if document["budget_seconds"] != budget_seconds:
            return []
        return [
            Entry(
                one["name"], Outcome.RAN, one["seconds"], tuple(row_of(row) for row in one["rows"])
            )
            for one in document["systems"]
            if one["outcome"] == Outcome.RAN and one["name"] in SCENARIOS
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        shape = "an atlas of another shape"
        found = f"an atlas without {error}" if isinstance(error, KeyError) else shape
        expected = "one that this release wrote; remove it to begin anew"
        raise InputError.single("document", found, expected, str(path)) from None


def _made_by() -> tuple[str, str]:
    """Versions of the package and of Python, which an atlas names."""
    return version("scheduling"), platform.python_version()


def ordered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries in the registry's order."""
    place = {name: rank for rank, name in enumerate(SCENARIOS)}
    return tuple(sorted(entries, key=lambda entry: place[entry.name]))


def machine_class() -> str:
    """Return this machine's processors and memory, such as ``2 cores, 24 GiB``."""
    cores, size = usable_cores(), memory().usable_bytes
    said = f"{cores} core{'s' if cores > 1 else ''}"
    return said if size is None else f"{said}, {size / 2**30:.0f} GiB"


def _command(atlas: Atlas) -> str:
    whole = atlas.total == len(SCENARIOS)
    which = "--all" if whole else " ".join(entry.name for entry in atlas.entries)
    return f"scheduling reproduce {which} --budget {atlas.budget_seconds:g}s"
