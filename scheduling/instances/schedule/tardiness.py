"""Files of weighted tardiness on one machine, and a generator.

Three layouts are read and written. ``wt`` is that of the OR-Library: numbers alone, for each of any
number of instances the durations, then the weights, then the due dates of its n jobs. n is in the
file's name (``wt40.txt``); under another name the file holds one instance in three lines. ``sdt``
is one line ``duration due`` a job. ``tardiness-jsonl`` is one JSON object a line with the fields
``name``, ``n``, ``p``, ``d`` and, where jobs have weights, ``w``.

Where a file holds several instances, a fragment chooses one: ``wt40.txt#17`` by number from 1,
``instances.jsonl#wt40_017`` by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.jsontext import parse_json
from scheduling.instances.schedule.features import require
from scheduling.instances.text import (
    MAX_COUNT,
    STANDARD_INPUT,
    Lines,
    Row,
    excerpt,
    head,
    is_integer,
    join_rows,
    split_fragment,
)
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import MAX_TIME, ScheduleProblem

MAX_WEIGHT = 10**6

_HOLDS = frozenset({"machines", "due dates", "weights", "objectives other than makespan"})
_WT_NAME = re.compile(r"wt(\d{1,6})", re.IGNORECASE)
_SDT_NAME = re.compile(r"SDT_(\d{1,6})_", re.IGNORECASE)
_WT_ROWS = ("durations", "weights", "due dates")
_LEAST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Jobs:
    """One instance: durations, due dates and weights of its jobs."""

    name: str | None
    durations: Sequence[int]
    dues: Sequence[int]
    weights: Sequence[int]

    def problem(self) -> ScheduleProblem:
        """State the instance as a problem: one machine, jobs ``J1``, … of one task each."""
        rows = zip(self.durations, self.dues, self.weights, strict=True)
        jobs = [
            {
                "id": f"J{number}",
                "due": due,
                "weight": weight,
                "tasks": [{"id": f"J{number}", "modes": [{"duration": length, "machine": "M1"}]}],
            }
            for number, (length, due, weight) in enumerate(rows, start=1)
        ]
        return ScheduleProblem.model_validate(
            {
                "name": self.name,
                "resources": [{"type": "machine", "id": "M1"}],
                "jobs": jobs,
                "objective": "total_tardiness",
            }
        )


def random_tardiness(
    *, jobs: int = 100, due_range: float = 0.4, lateness: float = 0.6, seed: int = 0
) -> ScheduleProblem:
    """Generate one machine with due dates, total tardiness to be minimised.

    Durations are uniform on 1 … 100, due dates on ``P (1 - lateness ± due_range / 2)`` with P the
    sum of durations; negative ones become 0. The scheme of Potts and Van Wassenhove (1982).

    Parameters
    ----------
    jobs
        Size.
    due_range
        Width of the range of due dates, as a share of P (RDD).
    lateness
        About the share of late jobs (TF).
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    durations = rng.integers(1, 100, jobs, endpoint=True)
    centre, half, total = 1.0 - lateness, due_range / 2, int(durations.sum())
    low, high = round(total * (centre - half)), round(total * (centre + half))
    dues = np.maximum(0, rng.integers(low, high, jobs, endpoint=True))
    name = f"tardiness {jobs} range {due_range:g} lateness {lateness:g} seed {seed}"
    return Jobs(name, durations.tolist(), dues.tolist(), [1] * jobs).problem()


def sniff_wt(text: str) -> bool:
    """Tell whether the text starts like numbers alone, at least five in the first line."""
    rows = [line.split() for line in head(text)]
    if len(rows) < 3 or len(rows[0]) < _LEAST_TOLD:
        return False
    return all(is_integer(part) and not part.startswith("-") for row in rows for part in row)


def read_wt(text: str, source: str | None) -> ScheduleProblem:
    """Read an instance in the layout of the OR-Library.

    Raises
    ------
    InputError
        With the line of the fault, or when the file holds several instances and none is chosen.
    """
    file, chosen = (None, None) if source is None else split_fragment(source)
    return _choose(read_wt_collection(text, file), chosen, file)


def read_wt_collection(text: str, file: str | None) -> list[Jobs]:
    """Read all instances of a file in the layout of the OR-Library."""
    lines = Lines(text, file)
    name = _stem(file)
    match = _WT_NAME.fullmatch(name or "")
    if match is None:
        return [_three_lines(lines, name)]
    size = int(match[1])
    if size < 1:
        raise InputError.single("file name", repr(name), "a size of at least 1", file)
    numbers: list[tuple[int, Row]] = []
    while lines.peek() is not None:
        row = lines.take("numbers")
        position = len(numbers) // size % 3
        values = lines.integers(row, f"{_WT_ROWS[position]} of {size} jobs a piece")
        numbers += [(value, row) for value in values]
    found, rest = divmod(len(numbers), 3 * size)
    if rest or not found:
        what = _WT_ROWS[rest // size]
        place = numbers[-1][1] if numbers else 1
        have = f"{rest % size} {what} of instance {found + 1} at the end of the file"
        raise lines.error(place, have, f"{size} durations, {size} weights, {size} due dates each")
    _check_weights(lines, numbers, size)
    values = [value for value, _ in numbers]
    pieces = [values[at : at + size] for at in range(0, len(values), size)]
    triples = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return [
        Jobs(f"{name}_{number:03}" if found > 1 else name, durations, dues, weights)
        for number, (durations, weights, dues) in enumerate(triples, start=1)
    ]


def _check_weights(lines: Lines, numbers: list[tuple[int, Row]], size: int) -> None:
    for index, (value, row) in enumerate(numbers):
        if index // size % 3 == 1 and value > MAX_WEIGHT:
            wanted = f"an integer from 0 to {MAX_WEIGHT} (a weight)"
            raise lines.error(row, excerpt(str(value)), wanted)


def _three_lines(lines: Lines, name: str | None) -> Jobs:
    rows = [lines.take(f"the {what}, all in one line") for what in _WT_ROWS]
    highs = (MAX_TIME, MAX_WEIGHT, MAX_TIME)
    size = len(rows[0].text.split())
    durations, weights, dues = (
        lines.integers(row, f"the {what}", count=size, high=high)
        for row, what, high in zip(rows, _WT_ROWS, highs, strict=True)
    )
    if lines.peek() is not None:
        wanted = "the end of the file (several instances only where the name tells n: wt40.txt)"
        row = lines.take("")
        raise lines.error(row, excerpt(row.text), wanted)
    return Jobs(name, durations, dues, weights)


def write_wt(problem: Problem) -> str:
    """Write an instance in three lines: durations, weights, due dates.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    jobs = _held(problem, "wt")
    return join_rows([jobs.durations, jobs.weights, jobs.dues])


def sniff_sdt(text: str) -> bool:
    """Tell whether the text is at least five lines of two numbers, and no shop of one machine."""
    rows = [line.split() for line in head(text, MAX_COUNT)]
    if len(rows) < _LEAST_TOLD or any(len(row) != 2 for row in rows):
        return False
    plain = all(is_integer(part) and not part.startswith("-") for row in rows for part in row)
    return plain and int(rows[0][0]) != len(rows) - 1


def read_sdt(text: str, source: str | None) -> ScheduleProblem:
    """Read an instance of one line ``duration due`` a job.

    Raises
    ------
    InputError
        With the line of the fault, or when the file's name (``SDT_100_…``) tells another number.
    """
    lines = Lines(text, source)
    rows = [lines.take("a job's duration and due date")]
    while lines.peek() is not None:
        rows.append(lines.take("a job"))
    pairs = [lines.integers(row, "duration and due date", count=2) for row in rows]
    name = _stem(source)
    match = _SDT_NAME.match(name or "")
    if match is not None and int(match[1]) != len(pairs):
        raise lines.error(rows[-1], f"{len(pairs)} jobs", f"{int(match[1])} as the name tells")
    durations, dues = zip(*pairs, strict=True)
    return _built(Jobs(name, durations, dues, [1] * len(pairs)), source)


def write_sdt(problem: Problem) -> str:
    """Write an instance of one line ``duration due`` a job.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    jobs = _held(problem, "sdt")
    if any(weight != 1 for weight in jobs.weights):
        raise UnsupportedError("format sdt cannot hold weights: write .yaml or .json instead")
    return join_rows(zip(jobs.durations, jobs.dues, strict=True))


def sniff_jsonl(text: str) -> bool:
    """Tell whether the first line is a whole object with the fields of an instance."""
    first = head(text, 1)
    return bool(first) and re.fullmatch(r'\{.*"p"\s*:\s*\[.*"d"\s*:\s*\[.*\}', first[0]) is not None


def read_jsonl(text: str, source: str | None) -> ScheduleProblem:
    """Read an instance of a file of JSON lines.

    Raises
    ------
    InputError
        With the line of the fault, or when the file holds several instances and none is chosen.
    """
    file, chosen = (None, None) if source is None else split_fragment(source)
    return _choose(read_jsonl_collection(text, file), chosen, file)


def read_jsonl_collection(text: str, file: str | None) -> list[Jobs]:
    """Read all instances of a file of JSON lines."""
    lines = Lines(text, file)
    found: list[Jobs] = []
    names: set[str] = set()
    while lines.peek() is not None or not found:
        row = lines.take("an instance as a JSON object")
        jobs = _json_jobs(lines, row)
        if jobs.name is not None and jobs.name in names:
            raise lines.error(row, f"the name {jobs.name!r} twice", "each name once")
        names.add(jobs.name or "")
        found.append(jobs)
    return found


def _json_jobs(lines: Lines, row: Row) -> Jobs:
    try:
        data = parse_json(row.text, None)
    except InputError as error:
        fault = error.faults[0]
        raise lines.error(row, fault.found, fault.expected) from None
    if not isinstance(data, dict):
        raise lines.error(row, excerpt(row.text), "an instance as a JSON object")
    unknown = sorted(data.keys() - {"name", "n", "p", "d", "w"})
    if unknown:
        raise lines.error(row, f"the field {unknown[0]!r}", "name, n, p, d and w only")
    name = data.get("name")
    if name is not None and (not isinstance(name, str) or not name):
        raise lines.error(row, f"{name!r} as name", "a text")
    durations = _json_list(lines, row, data, "p", MAX_TIME)
    size = data.get("n", len(durations))
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_COUNT:
        raise lines.error(row, f"{size!r} as n", f"an integer from 1 to {MAX_COUNT}")
    dues = _json_list(lines, row, data, "d", MAX_TIME)
    weights = _json_list(lines, row, data, "w", MAX_WEIGHT) if "w" in data else [1] * size
    for key, values in (("p", durations), ("d", dues), ("w", weights)):
        if len(values) != size:
            raise lines.error(row, f"{len(values)} numbers in {key}", f"{size} as n tells")
    return Jobs(name, durations, dues, weights)


def _json_list(lines: Lines, row: Row, data: dict[str, Any], key: str, high: int) -> list[int]:
    values = data.get(key)
    if not isinstance(values, list):
        raise lines.error(row, f"{key} without a list", f"a list of integers as {key}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            raise lines.error(row, f"{value!r} in {key}", f"an integer from 0 to {high}")
    return values


def write_jsonl(problem: Problem) -> str:
    """Write an instance as one JSON line.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    import json

    jobs = _held(problem, "tardiness-jsonl")
    fields: dict[str, object] = {} if jobs.name is None else {"name": jobs.name}
    fields |= {"n": len(jobs.durations), "p": jobs.durations, "w": jobs.weights, "d": jobs.dues}
    return json.dumps(fields) + "\n"


def may_hold_several(source: str) -> bool:
    """Tell by its name whether a file may hold several instances."""
    return source.endswith(".jsonl") or _WT_NAME.fullmatch(_stem(source) or "") is not None


def members(text: str, source: str) -> list[str]:
    """Name the instances of a file that holds several, by what stands behind ``#`` to choose one.

    Parameters
    ----------
    text, source
        Content and name of the file.

    Returns
    -------
    list of str
        Names, or numbers where instances have none; empty for a file of another kind.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    if source.endswith(".jsonl"):
        found = read_jsonl_collection(text, source) if sniff_jsonl(text) else []
    else:
        found = read_wt_collection(text, source) if sniff_wt(text) else []
    return [jobs.name or str(number) for number, jobs in enumerate(found, start=1)]


def _choose(found: list[Jobs], chosen: str | None, file: str | None) -> ScheduleProblem:
    """Return the instance of that name or number; the only one where none is chosen."""
    if chosen is None:
        if len(found) == 1:
            return _built(found[0], file)
        wanted = f"one of them after the file's name, such as {file or 'FILE'}#1"
        raise InputError.single("file", f"{len(found)} instances", wanted, file)
    for jobs in found:
        if jobs.name == chosen:
            return _built(jobs, file)
    if is_integer(chosen) and 1 <= int(chosen) <= len(found):
        return _built(found[int(chosen) - 1], file)
    wanted = f"a number from 1 to {len(found)} or an instance's name"
    raise InputError.single("instance", excerpt(chosen), wanted, file)


def _built(jobs: Jobs, source: str | None) -> ScheduleProblem:
    try:
        return jobs.problem()
    except InputError as error:
        raise error.with_source(source or "text") from None


def _stem(source: str | None) -> str | None:
    return PurePath(source).stem if source and source != STANDARD_INPUT else None


def _held(problem: Problem, name: str) -> Jobs:
    """Return the instance, if it is total tardiness of one machine and no more."""
    single = require(problem, name, _HOLDS)
    text = f"format {name} holds the total tardiness of one machine only, one task a job"
    lone = len(single.resources) == 1 and all(len(job.tasks) == 1 for job in single.jobs)
    tiers = [
        [(term.measure, term.weight) for term in tier.terms] for tier in single.objective.tiers
    ]
    if not lone or tiers != [[("total_tardiness", 1)]]:
        raise UnsupportedError(f"{text}: write .yaml or .json instead")
    dues = []
    for job in single.jobs:
        if job.due is None:
            raise UnsupportedError(f"format {name} cannot hold job {job.id!r} without due date")
        dues.append(job.due)
    lengths = [job.tasks[0].modes[0].duration for job in single.jobs]
    return Jobs(single.name, lengths, dues, [job.weight for job in single.jobs])
