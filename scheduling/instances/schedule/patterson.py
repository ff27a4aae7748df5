"""Project files in Patterson's layout (``.rcp``).

A line with the numbers of activities and resources, a line of capacities, then per activity its
duration, its demands, its number of successors and the successors (from 1), which may run over
several lines. Source and sink are activities like the others. Patterson (1984), "A comparison of
exact approaches for solving the multiple constrained resource, project scheduling problem".
"""

from __future__ import annotations

from typing import Any

from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.psplib import (
    check_numbering,
    check_successors,
    check_ties,
)
from scheduling.instances.text import MAX_COUNT, Lines, Row, head, is_integer
from scheduling.models.schedule.problem import ScheduleProblem

_SIZE = "the numbers of activities and resources"


def sniff_patterson(text: str) -> bool:
    """Tell whether the text starts like a project in Patterson's layout."""
    rows = [line.split() for line in head(text, 3)]
    if len(rows) < 3 or len(rows[0]) != 2:
        return False
    if not all(is_integer(part) for row in rows for part in row):
        return False
    resources = int(rows[0][1])
    return len(rows[1]) == resources > 0 and len(rows[2]) >= resources + 2


def renewables(lines: Lines, width: int) -> list[dict[str, Any]]:
    """Read the row of capacities of renewable resources, which is there when there are any."""
    if not width:
        return []
    row = lines.take("the capacities")
    values = lines.integers(row, "a capacity per resource", count=width, high=10**9)
    return [
        {"type": "renewable", "id": f"R{number}", "capacity": value}
        for number, value in enumerate(values, start=1)
    ]


def read_patterson(text: str, source: str | None) -> ScheduleProblem:
    """Read a project in Patterson's layout.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    lines = Lines(text, source)
    header = lines.take(_SIZE)
    count, width = lines.integers(header, _SIZE, count=2, high=MAX_COUNT)
    if count < 1:
        raise lines.error(header, "0 activities", "at least one")
    resources = renewables(lines, width)
    tasks: list[dict[str, Any]] = []
    successors: list[list[int]] = []
    rows = []
    for activity in range(1, count + 1):
        row = lines.take(f"activity {activity} of {count}")
        rows.append(row)
        (duration, *wanted), after = activity_row(lines, row, activity, width)
        check_successors(lines, row, after, activity, range(1, count + 1))
        check_numbering(lines, row, after, activity)
        names = (f"R{index}" for index in range(1, width + 1))
        amounts = zip(names, wanted, strict=True)
        demands = {name: amount for name, amount in amounts if amount}
        tasks.append({"id": str(activity), "modes": [{"duration": duration, "demands": demands}]})
        successors.append(after)
    lines.finish()
    check_ties(lines, rows, successors)
    links = [
        {"before": str(before), "after": str(after)}
        for before, row_successors in enumerate(successors, start=1)
        for after in row_successors
    ]
    return build(source, resources, [{"id": "project", "tasks": tasks}], links)


def activity_row(lines: Lines, row: Row, number: int, width: int) -> tuple[list[int], list[int]]:
    """Read an activity: duration and amounts, then its successors, which may run over lines.

    Parameters
    ----------
    lines, row
        The file and the activity's first line.
    number
        Number of the activity, from 1.
    width
        How many amounts follow the duration.

    Returns
    -------
    tuple
        Duration with the amounts, and the successors from 1.
    """
    what = "duration, demands, number of successors, successors"
    values = lines.integers(row, what)
    if len(values) < width + 2:
        raise lines.error(row, f"{len(values)} numbers", f"at least {width + 2}: {what}")
    lines.numbers(row, row.text.split()[1 : width + 1], "a demand", high=10**9)
    announced, successors = values[width + 1], values[width + 2 :]
    while len(successors) < announced:
        more = lines.take(f"{announced - len(successors)} more successors of activity {number}")
        successors += lines.integers(more, f"successors of activity {number}")
    if len(successors) > announced:
        found = f"{len(successors)} successors of activity {number}"
        raise lines.error(row, found, f"{announced} as announced")
    return values[: width + 1], successors
