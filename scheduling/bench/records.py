"""Result files: one JSON line a run, appended as runs end."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from scheduling.errors import InputError
from scheduling.models.base import Frozen

Key = tuple[str, str, int, float, int | None]


class Record(Frozen):
    """One run of one solver on one instance.

    ``lower`` and ``upper`` are the best bounds known before the run. ``error`` says why a run
    brought nothing, such as a solver that refuses the instance.
    """

    instance: str
    solver: str
    seed: int
    time_limit: float
    workers: int | None = None
    version: str
    status: str | None = None
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float | None = None
    found_by: str | None = None
    lower: float | None = None
    upper: float | None = None
    error: str | None = None

    @property
    def key(self) -> Key:
        """What makes two records the same run."""
        return (self.instance, self.solver, self.seed, self.time_limit, self.workers)

    @property
    def proven(self) -> bool:
        """Whether the run settled the instance: optimal or infeasible."""
        return self.status in ("optimal", "infeasible")

    def excess(self, reference: float | None) -> float | None:
        """Relative distance of the value above a reference; ``None`` when either is unknown."""
        if self.objective is None or reference is None:
            return None
        scale = max(abs(reference), 1.0)
        return (self.objective - reference) / scale


def read_records(path: Path) -> list[Record]:
    """Read a result file; a last line that was cut off by an interruption is left out.

    Raises
    ------
    InputError
        When a line is not a record.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        found = f"{error.__class__.__name__}"
        raise InputError.single("results", found, "a readable result file", str(path)) from error
    records = []
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not line.endswith("\n"):
            break
        try:
            records.append(Record.model_validate(json.loads(line)))
        except (ValueError, ValidationError) as error:
            place = f"line {number}"
            raise InputError.single(place, line.strip()[:60], "a result", str(path)) from error
    return records


def append_record(path: Path, record: Record) -> None:
    """Append one record as a line of its own, also behind a line that was cut off."""
    with path.open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                _drop_tail(path)
    with path.open("a", encoding="utf-8") as text:
        text.write(record.model_dump_json() + "\n")


def _drop_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"\n") + 1])
