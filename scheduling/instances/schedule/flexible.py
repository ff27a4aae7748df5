"""Flexible job shop files (``.fjs``), as used by Brandimarte, Hurink and others.

A line with the numbers of jobs and machines and, optionally, the average number of machines per
operation; then one line per job: its number of operations, and for each of them the number of
machines that can do it followed by that many pairs ``machine duration``, machines counted from 1.
"""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.assemble import build, flexible_jobs, machines
from scheduling.instances.schedule.features import require
from scheduling.instances.text import (
    MAX_COUNT,
    Lines,
    Row,
    excerpt,
    head,
    is_integer,
    is_number,
    join_rows,
)
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import ScheduleProblem

_HOLDS = frozenset({"machines", "several modes"})
_SIZE = "the numbers of jobs and machines"


def sniff_fjs(text: str) -> bool:
    """Tell whether the text starts like a flexible job shop."""
    rows = [line.split() for line in head(text, 2)]
    if len(rows) < 2 or len(rows[0]) not in (2, 3) or not all(map(is_number, rows[0])):
        return False
    if not all(map(is_integer, rows[0][:2] + rows[1])):
        return False
    values = list(map(int, rows[1]))
    position = 1
    for _ in range(min(values[0], len(values))):
        if position >= len(values) or values[position] < 1:
            return False
        position += 1 + 2 * values[position]
    return values[0] > 0 and position == len(values)


def read_fjs(text: str, source: str | None) -> ScheduleProblem:
    """Read a flexible job shop.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    lines = Lines(text, source)
    header = lines.take(_SIZE)
    parts = header.text.split()
    if len(parts) not in (2, 3):
        raise lines.error(header, f"{len(parts)} entries", f"2 or 3 numbers: {_SIZE}")
    if len(parts) == 3 and not is_number(parts[2]):
        raise lines.error(header, excerpt(parts[2]), "the average number of machines")
    jobs, count = lines.numbers(header, parts[:2], _SIZE, low=1, high=MAX_COUNT)
    rows = [lines.take(f"job {number} of {jobs}") for number in range(1, jobs + 1)]
    lines.finish()
    operations = [_job(lines, row, count) for row in rows]
    return build(source, machines(count), flexible_jobs(operations))


def _job(lines: Lines, row: Row, count: int) -> list[list[tuple[int, int]]]:
    values = lines.integers(row, "operations, each with its machines and durations")
    number = values[0]
    if number < 1:
        raise lines.error(row, f"{number} operations", "at least one operation")
    operations: list[list[tuple[int, int]]] = []
    position = 1
    while len(operations) < number:
        size = values[position] if position < len(values) else None
        last = position + 1 + 2 * (size or 0)
        if size is None or last > len(values):
            found = f"the end of the line in operation {len(operations) + 1}"
            raise lines.error(row, found, f"{number} operations")
        pairs = values[position + 1 : last]
        operations.append(_alternatives(lines, row, pairs, len(operations) + 1, count))
        position = last
    if position != len(values):
        found = f"{len(values) - position} more numbers"
        raise lines.error(row, found, f"the end of the line after {number} operations")
    return operations


def _alternatives(
    lines: Lines, row: Row, pairs: list[int], operation: int, count: int
) -> list[tuple[int, int]]:
    order = pairs[::2]
    if not order:
        raise lines.error(row, f"no machine for operation {operation}", "at least one")
    for machine in order:
        if not 1 <= machine <= count:
            expected = f"a machine from 1 to {count}"
            raise lines.error(row, f"machine {machine} in operation {operation}", expected)
    if len(set(order)) < len(order):
        found = f"a machine twice in operation {operation}"
        raise lines.error(row, found, "each machine at most once")
    return [(machine - 1, duration) for machine, duration in zip(order, pairs[1::2], strict=True)]


def write_fjs(problem: Problem) -> str:
    """Write a flexible job shop; names are replaced by numbers.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    shop = require(problem, "fjs", _HOLDS)
    index = {resource.id: number for number, resource in enumerate(shop.resources, start=1)}
    rows: list[list[object]] = []
    for job in shop.jobs:
        row: list[object] = [len(job.tasks)]
        for task in job.tasks:
            order = [index[mode.machine or ""] for mode in task.modes]
            if len(set(order)) < len(order):
                text = f"format fjs cannot hold two modes on one machine (task {task.id!r})"
                raise UnsupportedError(f"{text}: write .yaml or .json instead")
            row.append(len(order))
            for machine, mode in zip(order, task.modes, strict=True):
                row += [machine, mode.duration]
        rows.append(row)
    average = sum(len(task.modes) for task in shop.tasks) / len(shop.tasks)
    return join_rows([[len(shop.jobs), len(shop.resources), f"{average:g}"], *rows])
