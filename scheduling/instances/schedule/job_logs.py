"""Logs of batch jobs: when each was submitted, how long it ran, on how many processors.

``swf`` is the Standard Workload Format of the Parallel Workloads Archive: comment lines that begin
with ``;``, among them ``; MaxProcs: 128``, then 18 numbers a job, -1 where unknown. ``job-log`` is
a table with a line of column names:

============ ==================================================================================
submission   ``submit_s`` (seconds), ``submit_time`` or ``gmt_create`` (dates with a time)
run time     ``run_s``, ``duration_s``, ``exec_time_seconds``
processors   ``procs``, ``num_gpus``; 1 a job without such a column
============ ==================================================================================

A job becomes one task on the machine's processors, released when it was submitted; times are
rounded to seconds, counted from the first submission, and the total flow time is minimised. Jobs
whose run time or number of processors is unknown (-1 or empty) never ran and are left out. A
fragment takes some of the jobs in the order of their submission: ``log.swf#1-500``.

Chapin, Cirne, Feitelson, Jones, Leutenegger, Schwiegelshohn, Smith, Talby (1999), "Benchmarks and
standards for the evaluation of parallel job schedulers", JSSPP, LNCS 1659.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.requests.values import DATES, nanoseconds
from scheduling.instances.schedule.features import require
from scheduling.instances.tables import Record, names_columns, tables, write_table
from scheduling.instances.text import (
    Lines,
    excerpt,
    head,
    is_integer,
    is_number,
    join_rows,
    split_fragment,
)
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import MAX_TIME, Job, ScheduleProblem

PROCESSORS = "processors"
"""What a number after the formats' names stands for."""

MOST_PROCESSORS = 10**9
"""As many as a resource can have."""

_FIELDS = 18
_SUBMIT, _RUN, _USED, _ASKED = 1, 3, 4, 7
_UNKNOWN = ("", "-1", "-1.0")
_SUBMITS = {"submit_s": "s", "submit_time": DATES, "gmt_create": DATES}
_RUNS = ("run_s", "duration_s", "exec_time_seconds")
_WIDTHS = ("procs", "num_gpus")
_LIMIT = re.compile(r";\s*(MaxProcs|MaxNodes)\s*:\s*(\S+)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_HOLDS = frozenset(
    {"renewables", "modes without a machine", "release dates", "objectives other than makespan"}
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A job of a log, with its line."""

    line: int
    submit: int
    run: int
    width: int


def sniff_swf(text: str) -> bool:
    """Tell whether the first lines are jobs of 18 numbers."""
    rows = [row.split() for row in head(text, 3, comment=";")]
    return bool(rows) and all(
        len(row) == _FIELDS and all(is_number(part.removeprefix("-")) for part in row)
        for row in rows
    )


def sniff_job_log(text: str) -> bool:
    """Tell whether the first line names a column of submissions and one of run times."""
    return any(names_columns(text, (submit, run)) for submit in _SUBMITS for run in _RUNS)


def read_swf(text: str, source: str | None, processors: int | None = None) -> ScheduleProblem:
    """Read a log in the Standard Workload Format.

    Parameters
    ----------
    text, source
        Content and name of the file; a fragment of the name takes some of the jobs.
    processors
        How many the machine has; ``None``: as the header states.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    stated = processors or _stated(text, source)
    entries = []
    lines = Lines(text, source, comment=";")
    while lines.peek() is not None:
        row = lines.take("a job")
        parts = row.text.split()
        if len(parts) != _FIELDS:
            raise lines.error(row, f"{len(parts)} entries", f"{_FIELDS} numbers of a job")
        submit, run, used, asked = (
            _whole(parts[field], f"line {row.number}, field {field + 1}", source)
            for field in (_SUBMIT, _RUN, _USED, _ASKED)
        )
        width = used or asked
        if submit is not None and run is not None and width:
            entries.append(_Entry(row.number, submit, run, width))
    return _problem(entries, stated, source)


def read_job_log(text: str, source: str | None, processors: int | None = None) -> ScheduleProblem:
    """Read a table of jobs.

    Parameters
    ----------
    text, source
        As of :func:`read_swf`.
    processors
        How many the machine has; a table does not state it.

    Raises
    ------
    InputError
        With the line of the fault, or when ``processors`` is missing.
    """
    if processors is None:
        expected = "the number of processors behind the format's name, as in job-log:512"
        raise InputError.single("document", "no number of processors", expected, source)
    found = tables(text, source)
    if len(found) != 1:
        raise InputError.single("line 1", f"{len(found)} tables", "one table of jobs", source)
    columns = found[0].columns
    submit = _column(columns, tuple(_SUBMITS), source)
    run = _column(columns, _RUNS, source)
    width = next((name for name in _WIDTHS if name in columns), None)
    records = [record for record in found[0].records if _ran(record, run, width)]
    submits = _seconds(records, submit, _SUBMITS[submit])
    runs = _seconds(records, run, "s")
    return _problem(
        [
            _Entry(record.line, begin, length, 1 if width is None else _width(record, width))
            for record, begin, length in zip(records, submits, runs, strict=True)
        ],
        processors,
        source,
    )


def write_swf(problem: Problem) -> str:
    """Write jobs of one task each on one renewable resource in the Standard Workload Format.

    Raises
    ------
    UnsupportedError
        Naming what the format cannot hold.
    """
    capacity, jobs = _log_of(problem, "swf")
    rows = []
    for number, (submit, run, width) in enumerate(jobs, start=1):
        row = [-1] * _FIELDS
        row[0], row[_SUBMIT], row[_RUN], row[_USED] = number, submit, run, width
        rows.append(row)
    return f"; MaxProcs: {capacity}\n{join_rows(rows)}"


def write_job_log(problem: Problem) -> str:
    """Write jobs of one task each on one renewable resource as a table, without its capacity.

    Raises
    ------
    UnsupportedError
        Naming what the format cannot hold.
    """
    _, jobs = _log_of(problem, "job-log")
    return write_table(("submit_s", "run_s", "procs"), jobs)


def _stated(text: str, source: str | None) -> int:
    """Return the processors that the header of a log states."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith(";"):
            break
        match = _LIMIT.match(line.strip())
        if match is not None and match[2] not in _UNKNOWN:
            if not is_integer(match[2]) or not 1 <= int(match[2]) <= MOST_PROCESSORS:
                expected = f"a number of processors from 1 to {MOST_PROCESSORS}"
                raise InputError.single(f"line {number}", excerpt(match[2]), expected, source)
            found[match[1].lower()] = int(match[2])
    if not found:
        expected = "a line '; MaxProcs: NUMBER', or the number behind the format's name: swf:128"
        raise InputError.single("document", "no number of processors", expected, source)
    return found.get("maxprocs", 0) or found["maxnodes"]


def _whole(part: str, place: str, source: str | None, high: int = MAX_TIME) -> int | None:
    """Return a number rounded to a whole one; ``None`` for one that is unknown."""
    if part in _UNKNOWN:
        return None
    if not is_number(part) or float(part) > high:
        expected = f"a number from 0 to {high}, or -1 for unknown"
        raise InputError.single(place, excerpt(part), expected, source)
    return round(float(part))


def _column(columns: Sequence[str], names: tuple[str, ...], source: str | None) -> str:
    for name in names:
        if name in columns:
            return name
    found = excerpt(", ".join(columns))
    raise InputError.single("line 1", f"the columns {found}", f"one of {', '.join(names)}", source)


def _ran(record: Record, run: str, width: str | None) -> bool:
    unknown = record.text(run) in _UNKNOWN
    return not unknown and (width is None or record.text(width) not in (*_UNKNOWN, "0"))


def _width(record: Record, column: str) -> int:
    place = f"line {record.line}, {column}"
    return _whole(record.text(column), place, record.source, MOST_PROCESSORS) or 1


def _seconds(records: list[Record], column: str, unit: str) -> list[int]:
    """Return the times of a column in whole seconds."""
    times, odd = nanoseconds([record.text(column) for record in records], unit)
    if odd.any():
        record = records[int(odd.argmax())]
        expected = "a date with a time" if unit == DATES else "seconds, not negative"
        raise record.fault(column, excerpt(record.text(column)), expected)
    return [round(value / 1e9) for value in times.tolist()]


def _problem(entries: list[_Entry], processors: int, source: str | None) -> ScheduleProblem:
    """State the jobs asked for as a problem."""
    chosen = _chosen(sorted(entries, key=lambda entry: entry.submit), source)
    wide = next((entry for entry in chosen if entry.width > processors), None)
    if wide is not None:
        place, expected = f"line {wide.line}", f"at most {processors}, those of the machine"
        raise InputError.single(place, f"a job on {wide.width} processors", expected, source)
    first = chosen[0].submit
    jobs = [
        {
            "id": f"J{number}",
            "release": entry.submit - first,
            "tasks": [
                {
                    "id": f"J{number}",
                    "modes": [{"duration": entry.run, "demands": {PROCESSORS: entry.width}}],
                }
            ],
        }
        for number, entry in enumerate(chosen, start=1)
    ]
    resource = {"type": "renewable", "id": PROCESSORS, "capacity": processors}
    fields: dict[str, Any] = {"resources": [resource], "jobs": jobs, "objective": "total_flow"}
    try:
        return ScheduleProblem.model_validate(fields)
    except InputError as error:
        raise error.with_source(source or "text") from None


def _chosen(entries: list[_Entry], source: str | None) -> list[_Entry]:
    """Return the jobs that the name's fragment takes, all without one."""
    if not entries:
        raise InputError.single("document", "no job that ran", "at least one", source)
    name = split_fragment(source or "")[1]
    if name is None:
        return entries
    match = _RANGE.fullmatch(name)
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= len(entries):
        expected = f"jobs FIRST-LAST, from 1 to {len(entries)}"
        raise InputError.single("document", f"#{name}", expected, source)
    return entries[int(match[1]) - 1 : int(match[2])]


def _log_of(problem: Problem, name: str) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the capacity, and submission, run time and processors of each job."""
    schedule = require(problem, name, _HOLDS)
    if len(schedule.resources) != 1:
        raise _cannot_hold(name, f"{len(schedule.resources)} resources, but one")
    tiers = [
        [(term.measure, term.weight) for term in tier.terms] for tier in schedule.objective.tiers
    ]
    if tiers != [[("total_flow", 1)]]:
        names = ", then ".join(tier.name for tier in schedule.objective.tiers)
        raise _cannot_hold(name, f"the objective {names}, but total_flow")
    resource = schedule.resources[0]
    capacity = getattr(resource, "capacity", 1)
    return capacity, list(_rows(schedule.jobs, resource.id, capacity, name))


def _rows(
    jobs: Sequence[Job], resource: str, capacity: int, name: str
) -> Iterator[tuple[int, int, int]]:
    for job in jobs:
        mode = job.tasks[0].modes[0]
        width = mode.demands.get(resource, 0)
        if len(job.tasks) != 1 or not width:
            raise _cannot_hold(
                name, f"job {job.id!r}, which is not one task that takes units of {resource!r}"
            )
        if width > capacity:
            what = f"job {job.id!r} on {width} units of {resource!r}, which has {capacity}"
            raise _cannot_hold(name, what)
        yield job.release, mode.duration, width


def _cannot_hold(name: str, what: str) -> UnsupportedError:
    return UnsupportedError(f"format {name} cannot hold {what}: write .yaml or .json instead")
