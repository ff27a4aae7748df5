"""Job shop files: JSPLIB (also used for the DMU set) and Taillard's standard layout.

JSPLIB: a line with the numbers of jobs and machines, then one line per job with a pair
``machine duration`` per operation, machines counted from 0. In a classical job shop every job
visits every machine once. In a reentrant shop jobs have any number of operations and come back to
machines; each of its lines may end with ``-1 -1``.

Taillard: the same numbers, then ``Times`` with a row of durations per job, then ``Machines`` with
a row of machines per job, counted from 1.
"""

from __future__ import annotations

import re

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.assemble import build, machines, shop_jobs
from scheduling.instances.schedule.features import require
from scheduling.instances.text import MAX_COUNT, Lines, Row, head, is_integer, join_rows
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import ScheduleProblem

_END = [-1, -1]
_KEYWORD = re.compile(r"(times|machines)\s*:?", re.IGNORECASE)
_HOLDS = frozenset({"machines"})


def sniff_jsplib(text: str) -> bool:
    """Tell whether the text starts like a JSPLIB file."""
    rows = [line.split() for line in head(text, 2, "#")]
    if len(rows) < 2 or len(rows[0]) != 2 or not all(map(is_integer, rows[0] + rows[1])):
        return False
    job = list(map(int, rows[1]))
    jobs, count = map(int, rows[0])
    pairs = len(job) - 2 if job[-2:] == _END else len(job)
    inside = all(0 <= machine < count for machine in job[:pairs:2])
    if not (jobs > 0 and pairs > 0 and pairs % 2 == 0 and inside):
        return False
    # Lines of two numbers throughout are a shop only where the first announces as many jobs.
    lines = head(text, min(jobs, MAX_COUNT) + 2, "#")
    return len(lines) == jobs + 1 or any(len(line.split()) != 2 for line in lines)


def read_jsplib(text: str, source: str | None) -> ScheduleProblem:
    """Read a job shop in JSPLIB layout; lines that start with ``#`` are comments.

    Raises
    ------
    InputError
        With the line of the fault. A file in which some jobs are complete permutations of the
        machines and others are not is refused as damaged, unless its lines end with ``-1 -1``.
    """
    count, operations = read_operations(text, source)
    return build(source, machines(count), shop_jobs(operations))


def read_operations(text: str, source: str | None) -> tuple[int, list[list[tuple[int, int]]]]:
    """Return the number of machines and per job its operations ``(machine, duration)``.

    Raises
    ------
    InputError
        As :func:`read_jsplib` does.
    """
    lines = Lines(text, source, comment="#")
    header = lines.take("the numbers of jobs and machines")
    jobs, count = lines.integers(
        header, "the numbers of jobs and machines", count=2, low=1, high=MAX_COUNT
    )
    rows = [lines.take(f"job {number} of {jobs}") for number in range(1, jobs + 1)]
    lines.finish()
    operations = [_pairs(lines, row, count) for row in rows]
    if not _terminated(lines, rows):
        _check_shape(lines, rows, operations, count)
    return count, operations


def _pairs(lines: Lines, row: Row, count: int) -> list[tuple[int, int]]:
    values = lines.integers(row, "pairs of machine and duration", low=-1)
    if values[-2:] == _END:
        values = values[:-2]
    if len(values) % 2 or not values:
        raise lines.error(row, f"{len(values)} numbers", "pairs of machine and duration")
    order, durations = values[::2], values[1::2]
    if min(order) < 0 or max(order) >= count:
        worst = min(order) if min(order) < 0 else max(order)
        raise lines.error(row, f"machine {worst}", f"a machine from 0 to {count - 1}")
    if min(durations) < 0:
        raise lines.error(row, f"duration {min(durations)}", "a duration of at least 0")
    return list(zip(order, durations, strict=True))


def _terminated(lines: Lines, rows: list[Row]) -> bool:
    ends = [row.text.split()[-2:] == ["-1", "-1"] for row in rows]
    if any(ends) and not all(ends):
        raise lines.error(rows[ends.index(False)], "no end mark", "-1 -1 as on the other lines")
    return all(ends)


def _check_shape(
    lines: Lines, rows: list[Row], operations: list[list[tuple[int, int]]], count: int
) -> None:
    """Refuse a classical job shop that lost or repeated an operation.

    Reentrant files without end marks are told apart by two signs: no job is a permutation of the
    machines, and some job comes back to one.
    """
    distinct = [len({machine for machine, _ in job}) for job in operations]
    complete = [len(job) == count == kinds for job, kinds in zip(operations, distinct, strict=True)]
    returns = any(kinds < len(job) for job, kinds in zip(operations, distinct, strict=True))
    if all(complete) or (not any(complete) and returns and len(operations) > 1):
        return
    worst = complete.index(False)
    found = f"{len(operations[worst])} operations on {distinct[worst]} machines"
    expected = f"each of the {count} machines once (or every line of the file closed by -1 -1)"
    raise lines.error(rows[worst], found, expected)


def write_jsplib(problem: Problem) -> str:
    """Write a job shop in JSPLIB layout; names are replaced by numbers.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    return shop_text(require(problem, "jsplib", _HOLDS))


def shop_text(shop: ScheduleProblem) -> str:
    """Write machines and durations of a job shop in JSPLIB layout."""
    chains = _operations(shop)
    count = sum(resource.type == "machine" for resource in shop.resources)
    complete = _complete(chains, count)
    end = [] if complete else _END
    rows = [[value for pair in job for value in pair] + end for job in chains]
    return join_rows([[len(chains), count], *rows])


def sniff_taillard(text: str) -> bool:
    """Tell whether the text starts like a file in Taillard's standard layout."""
    return any(_KEYWORD.fullmatch(line) for line in head(text, 4))


def read_taillard(text: str, source: str | None) -> ScheduleProblem:
    """Read a job shop in Taillard's standard layout, one instance a file.

    The header row holds the numbers of jobs and machines, which may be followed by the time seed,
    the machine seed and an upper and a lower bound; a line of words before it is skipped.
    """
    lines = Lines(text, source)
    header = lines.take("the numbers of jobs and machines")
    if header.text[0].isalpha() and not _KEYWORD.fullmatch(header.text):
        header = lines.take("the numbers of jobs and machines")
    size = lines.integers(header, "jobs, machines, two seeds and two bounds")
    if len(size) not in (2, 6):
        expected = "jobs and machines, or these with two seeds and two bounds"
        raise lines.error(header, f"{len(size)} numbers", expected)
    jobs, count = lines.numbers(header, header.text.split()[:2], "size", low=1, high=MAX_COUNT)
    times, _ = _matrix(lines, "times", jobs, count)
    order, rows = _matrix(lines, "machines", jobs, count)
    lines.finish()
    for row, visits in zip(rows, order, strict=True):
        if sorted(visits) != list(range(1, count + 1)):
            raise lines.error(row, "another order", f"each machine from 1 to {count} once")
    pairs = [
        [(machine - 1, duration) for machine, duration in zip(*rows, strict=True)]
        for rows in zip(order, times, strict=True)
    ]
    return build(source, machines(count), shop_jobs(pairs))


def _matrix(lines: Lines, keyword: str, jobs: int, count: int) -> tuple[list[list[int]], list[Row]]:
    row = lines.take(f"the line {keyword.capitalize()!r}")
    if row.text.rstrip(" :").lower() != keyword:
        raise lines.error(row, repr(row.text[:60]), f"the line {keyword.capitalize()!r}")
    rows = [lines.take(f"{keyword} of job {number} of {jobs}") for number in range(1, jobs + 1)]
    return [lines.integers(row, f"{keyword} of a job", count=count) for row in rows], rows


def write_taillard(problem: Problem) -> str:
    """Write a classical job shop in Taillard's standard layout; names are replaced by numbers.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    shop = require(problem, "taillard", _HOLDS)
    chains = _operations(shop)
    if not _complete(chains, len(shop.resources)):
        text = "format taillard holds only jobs that visit every machine once: write jsplib instead"
        raise UnsupportedError(text)
    size = join_rows([[len(chains), len(shop.resources)]])
    times = join_rows([[duration for _, duration in job] for job in chains])
    order = join_rows([[machine + 1 for machine, _ in job] for job in chains])
    return f"Nb of jobs, Nb of machines\n{size}Times\n{times}Machines\n{order}"


def _operations(shop: ScheduleProblem) -> list[list[tuple[int, int]]]:
    names = [resource.id for resource in shop.resources if resource.type == "machine"]
    index = {name: position for position, name in enumerate(names)}
    return [
        [(index[task.modes[0].machine or ""], task.modes[0].duration) for task in job]
        for job in (job.tasks for job in shop.jobs)
    ]


def _complete(chains: list[list[tuple[int, int]]], count: int) -> bool:
    return all(len(job) == count == len({machine for machine, _ in job}) for job in chains)
