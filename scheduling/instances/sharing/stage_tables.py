"""Jobs of a shared cluster as a table with a row a stage.

Columns ``arrival_seconds`` (or ``arrival_ms``, ``start_ms``), ``user``, ``job`` and
``core_seconds`` (or ``stage_core_seconds``); optional ``tasks``, and ``cores``, which is the same
in all rows. Rows of one job are its stages, which come together. The number of cores may also be
named with the format, ``shared-jobs:32``. Other columns are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.instances.tables import Record, Table, names_columns, tables, write_table
from scheduling.instances.text import excerpt, is_integer
from scheduling.models.base import Problem
from scheduling.models.sharing.problem import (
    MOST_SECONDS,
    MOST_TASKS,
    SharedCluster,
    SharedJob,
    Stage,
)

CORES = "cores"
"""What a number after the format's name stands for."""

_ARRIVALS = {"arrival_seconds": 1.0, "arrival_ms": 1e-3, "start_ms": 1e-3}
_WORKS = ("core_seconds", "stage_core_seconds")


def sniff_stages(text: str) -> bool:
    """Tell whether the first line names the columns of stages."""
    return any(
        names_columns(text, (arrival, "user", "job", work))
        for arrival in _ARRIVALS
        for work in _WORKS
    )


def read_stages(text: str, source: str | None, cores: int | None = None) -> SharedCluster:
    """Read jobs.

    Parameters
    ----------
    text, source
        Content and name of the file.
    cores
        Cores of the cluster; ``None``: those that the table states.

    Raises
    ------
    InputError
        With the line of the fault, and when nothing says how many cores there are.
    """
    found = tables(text, source)
    if len(found) != 1 or not found[0].records:
        expected = "one table with the columns arrival_seconds, user, job and core_seconds"
        raise InputError.single("line 1", f"{len(found)} tables with rows", expected, source)
    table = found[0]
    arrival = _column(table, tuple(_ARRIVALS), source)
    work = _column(table, _WORKS, source)
    if cores is None:
        cores = _cores(table, source)
    first: dict[str, Record] = {}
    stages: dict[str, list[Stage]] = {}
    for record in table.records:
        name = record.name("job")
        start = first.setdefault(name, record)
        for column in (arrival, "user"):
            if record.text(column) != start.text(column):
                expected = f"{start.text(column)}, as in line {start.line}: stages come together"
                raise record.fault(column, excerpt(record.text(column)), expected)
        tasks = record.number("tasks", MOST_TASKS) if record.text("tasks") else None
        stage = Stage.model_construct(core_seconds=_amount(record, work), tasks=tasks)
        stages.setdefault(name, []).append(stage)
    jobs = tuple(
        SharedJob.model_construct(
            id=name,
            user=start.name("user"),
            arrival_seconds=_amount(start, arrival) * _ARRIVALS[arrival],
            stages=tuple(stages[name]),
            chain=False,
        )
        for name, start in first.items()
    )
    title = None if source is None else PurePath(source).stem
    fields = {"name": title, "cores": cores, "jobs": [job.model_dump() for job in jobs]}
    try:
        return SharedCluster.model_validate(fields)
    except InputError as error:
        lines = [start.line for start in first.values()]
        raise InputError([_placed(fault, lines) for fault in error.faults], source) from None


def _placed(fault: Fault, lines: Sequence[int]) -> Fault:
    """Return a fault with the line in which its job begins."""
    job = re.match(r"jobs\[(\d+)\]", fault.place)
    return (
        fault if job is None else replace(fault, place=f"line {lines[int(job[1])]}, {fault.place}")
    )


def write_stages(problem: Problem) -> str:
    """Write jobs; chains, which the table cannot hold, are refused."""
    if not isinstance(problem, SharedCluster):
        raise UnsupportedError("format shared-jobs holds problems of kind sharing only")
    if any(job.chain for job in problem.jobs):
        raise UnsupportedError("format shared-jobs does not hold jobs whose stages are a chain")
    columns = ("arrival_seconds", "user", "job", "core_seconds", "tasks", CORES)
    rows = [
        (
            job.arrival_seconds,
            job.user,
            job.id,
            stage.core_seconds,
            "" if stage.tasks is None else stage.tasks,
            problem.cores,
        )
        for job in problem.jobs
        for stage in job.stages
    ]
    return write_table(columns, rows)


def _column(table: Table, names: Sequence[str], source: str | None) -> str:
    found = [name for name in names if name in table.columns]
    if len(found) != 1:
        expected = f"one column of {', '.join(names)}"
        raise InputError.single("line 1", excerpt(", ".join(table.columns)), expected, source)
    return found[0]


def _cores(table: Table, source: str | None) -> int:
    if CORES not in table.columns:
        expected = "format shared-jobs:NUMBER, or a column «cores»"
        raise InputError.single("line 1", "no number of cores", expected, source)
    first = table.records[0]
    for record in table.records:
        if record.text(CORES) != first.text(CORES):
            raise record.fault(CORES, excerpt(record.text(CORES)), first.text(CORES))
    if not is_integer(first.text(CORES)):
        raise first.fault(CORES, excerpt(first.text(CORES)), "a whole number")
    return int(first.text(CORES))


def _amount(record: Record, column: str) -> float:
    found = record.text(column)
    try:
        value = float(found)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST_SECONDS / _ARRIVALS.get(column, 1.0):
        raise record.fault(column, excerpt(found), f"a number from 0 to {MOST_SECONDS} seconds")
    return value
