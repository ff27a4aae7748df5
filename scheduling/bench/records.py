"""Result files: one JSON line a run, appended as runs end."""

from __future__ import annotations

import json
from pathlib import Path

from scheduling.errors import InputError
from scheduling.models.base import Frozen
from scheduling.schemas import opened, stamped
from scheduling.storage import append_line, whole_lines

Key = tuple[str, str, int, float, int | None]

SCHEMA = "benchmark-run"
"""Schema of a line."""


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
        When a line is not a record, or one of a version that is not read.
    """
    records = []
    for number, line in enumerate(whole_lines(path, "results"), start=1):
        refused = InputError.single(f"line {number}", line.strip()[:60], "a result", str(path))
        try:
            data = json.loads(line)
        except ValueError as error:
            raise refused from error
        entry = opened(data, f"{path}: line {number}")
        try:
            records.append(Record.model_validate(entry))
        except InputError as error:
            raise refused from error
    return records


def append_record(path: Path, record: Record) -> None:
    """Append one record as a line of its own, also behind a line that was cut off."""
    append_line(path, json.dumps(stamped(SCHEMA, record.model_dump(mode="json"))))
