"""Projects with consumption and production of resources (``.rcp``), makespan.

A line with the numbers of activities ``n``, renewables ``m`` and reservoirs ``q``, a line of
capacities and first levels, then per activity its duration, its demands, per reservoir what it
takes at its start and what it puts back at its end, its number of successors and the successors
(from 1), which may run over several lines; some published files name one twice. The first and last
activity are dummies whose own consumption and production does not count. Koné, Artigues, Lopez,
Mongeau (2013), "Comparison of mixed integer linear programming models for the resource-constrained
project scheduling problem with consumption and production of resources", Flexible Services and
Manufacturing Journal 25.
"""

from __future__ import annotations

from typing import Any

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.features import require
from scheduling.instances.schedule.patterson import activity_row
from scheduling.instances.schedule.project_writers import (
    PROJECT_FEATURES,
    amounts,
    capacity,
    project_rows,
)
from scheduling.instances.schedule.psplib import check_numbering, check_successors, check_ties
from scheduling.instances.text import MAX_COUNT, Lines, head, is_integer, join_rows
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import Mode, Reservoir, ScheduleProblem

_SIZE = "the numbers of activities, renewables and reservoirs"


def sniff_reservoirs(text: str) -> bool:
    """Tell whether the text starts like a project with reservoirs."""
    rows = [line.split() for line in head(text, 3)]
    if len(rows) < 3 or len(rows[0]) != 3:
        return False
    if not all(is_integer(part) for row in rows for part in row):
        return False
    _, renewables, reservoirs = map(int, rows[0])
    widths = renewables + reservoirs, renewables + 2 * reservoirs + 2
    return len(rows[1]) == widths[0] > 0 and len(rows[2]) >= widths[1]


def read_reservoirs(text: str, source: str | None) -> ScheduleProblem:
    """Read a project with reservoirs.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    lines = Lines(text, source)
    header = lines.take(_SIZE)
    count, many, stocks = lines.integers(header, _SIZE, count=3, high=MAX_COUNT)
    if count < 2 or many + stocks < 1:
        raise lines.error(header, repr(header.text), "two activities and a resource or more")
    what = "capacities of renewables, then levels of reservoirs"
    row = lines.take(what)
    levels = lines.integers(row, what, count=many + stocks, high=10**9)
    tasks: list[dict[str, Any]] = []
    successors: list[list[int]] = []
    rows = []
    for activity in range(1, count + 1):
        row = lines.take(f"activity {activity} of {count}")
        rows.append(row)
        values, after = activity_row(lines, row, activity, many + 2 * stocks)
        after = list(dict.fromkeys(after))
        check_successors(lines, row, after, activity, range(1, count + 1))
        check_numbering(lines, row, after, activity)
        mode = _mode(values, many, dummy=activity in (1, count))
        tasks.append({"id": str(activity), "modes": [mode]})
        successors.append(after)
    lines.finish()
    check_ties(lines, rows, successors)
    links = [
        {"before": str(before), "after": str(after)}
        for before, row_successors in enumerate(successors, start=1)
        for after in row_successors
    ]
    return build(source, _resources(levels, many), [{"id": "project", "tasks": tasks}], links)


def _resources(levels: list[int], many: int) -> list[dict[str, Any]]:
    renewables: list[dict[str, Any]] = [
        {"type": "renewable", "id": f"R{number}", "capacity": value}
        for number, value in enumerate(levels[:many], start=1)
    ]
    return renewables + [
        {"type": "reservoir", "id": f"S{number}", "initial": value}
        for number, value in enumerate(levels[many:], start=1)
    ]


def _mode(values: list[int], many: int, *, dummy: bool) -> dict[str, Any]:
    demands = {f"R{k}": amount for k, amount in enumerate(values[1 : many + 1], start=1)}
    supplies: dict[str, int] = {}
    if not dummy:
        taken, given = values[many + 1 :: 2], values[many + 2 :: 2]
        demands |= {f"S{k}": amount for k, amount in enumerate(taken, start=1)}
        supplies = {f"S{k}": amount for k, amount in enumerate(given, start=1)}
    return {
        "duration": values[0],
        "demands": {name: amount for name, amount in demands.items() if amount},
        "supplies": {name: amount for name, amount in supplies.items() if amount},
    }


def write_reservoirs(problem: Problem) -> str:
    """Write a single-mode project with reservoirs.

    A machine becomes a resource of one unit; tasks get numbers instead of names.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    schedule = require(problem, "rcpsp-cpr", PROJECT_FEATURES | {"reservoirs"})
    columns = [r for r in schedule.resources if r.type != "reservoir"]
    stocks = [r for r in schedule.resources if isinstance(r, Reservoir)]
    limited = next((stock for stock in stocks if stock.maximum is not None), None)
    if limited is not None or not schedule.resources:
        what = "a problem without resources" if limited is None else f"a maximum ({limited.id!r})"
        text = f"format rcpsp-cpr cannot hold {what}: write .yaml or .json instead"
        raise UnsupportedError(text)

    def values(mode: Mode) -> list[int]:
        pairs = [(mode.demands.get(r.id, 0), mode.supplies.get(r.id, 0)) for r in stocks]
        return amounts(mode, list(columns)) + [amount for pair in pairs for amount in pair]

    rows = project_rows(schedule, values)
    table = [[len(rows), len(columns), len(stocks)], list(map(capacity, [*columns, *stocks]))]
    for row in rows:
        duration, wanted = row.modes[0]
        table.append([duration, *wanted, len(row.successors), *row.successors])
    return join_rows(table)
