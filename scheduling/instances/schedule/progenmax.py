"""Project files with minimal and maximal time lags (RCPSP/max, ProGen/max, ``.sch``).

A line ``n resources 0 0``; then for each of the activities 0 … n + 1 a line with its number, its
number of modes (1), its number of successors, the successors and as many lags in brackets; then
again per activity a line with its number, mode (1), duration and demands; then the capacities.

A lag d from i to j demands ``start(j) >= start(i) + d``. A negative one is a maximal lag seen from
the other end, ``start(i) <= start(j) - d``, and is read as one. Activity 0 starts at time 0.
Schwindt (1998), "Generation of resource-constrained project scheduling problems subject to temporal
constraints".
"""

from __future__ import annotations

import re
from typing import Any

from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.patterson import renewables
from scheduling.instances.schedule.psplib import check_successors
from scheduling.instances.text import MAX_COUNT, Lines, Row, excerpt, head, is_integer
from scheduling.models.schedule.problem import MAX_TIME, ScheduleProblem

_SIZE = "activities, renewable, nonrenewable and doubly constrained resources"
_LAG = re.compile(r"\[(-?[0-9]{1,19})\]")


def sniff_progenmax(text: str) -> bool:
    """Tell whether the text starts like a project with time lags."""
    rows = [line.split() for line in head(text, 2)]
    if len(rows) < 2 or len(rows[0]) != 4 or not all(map(is_integer, rows[0])):
        return False
    return rows[1][0] == "0" and _LAG.fullmatch(rows[1][-1]) is not None


def read_progenmax(text: str, source: str | None) -> ScheduleProblem:
    """Read a project with minimal and maximal time lags.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    lines = Lines(text, source)
    header = lines.take(_SIZE)
    count, width, *others = lines.integers(header, _SIZE, count=4, high=MAX_COUNT)
    if any(others):
        found = f"{others[0]} nonrenewable and {others[1]} doubly constrained resources"
        raise lines.error(header, found, "none: this layout is read with renewable ones only")
    links: list[dict[str, Any]] = []
    for number in range(count + 2):
        links += _links(lines, number, count + 1)
    tasks = [_task(lines, number, count + 1, width) for number in range(count + 2)]
    resources = renewables(lines, width)
    lines.finish()
    if any(_enters(link, "0") for link in links):
        if tasks[0]["modes"][0]["duration"]:
            found = "a lag to activity 0, which takes time"
            raise lines.error(header, found, "a source without duration")
        tasks[0]["deadline"] = 0
    return build(source, resources, [{"id": "project", "tasks": tasks}], links)


def _enters(link: dict[str, Any], task: str) -> bool:
    """Tell whether the link, read as ``start(j) >= start(i) + d``, holds the task back."""
    return bool(link["after"] == task if link["max_lag"] is None else link["before"] == task)


def _links(lines: Lines, number: int, last: int) -> list[dict[str, Any]]:
    row = lines.take(f"the successors of activity {number} of {last}")
    parts = row.text.split()
    what = "activity, modes, number of successors, successors, lags in brackets"
    size = lines.numbers(row, parts[:3], what, high=MAX_COUNT)
    if len(size) < 3 or len(parts) != 3 + 2 * size[2]:
        raise lines.error(row, f"{len(parts)} entries", f"{what}, as many lags as successors")
    _check_lead(lines, row, size[:2], number)
    middle = 3 + size[2]
    successors = lines.numbers(row, parts[3:middle], "a successor", high=MAX_COUNT)
    check_successors(lines, row, successors, number, range(last + 1))
    links = []
    for after, part in zip(successors, parts[middle:], strict=True):
        match = _LAG.fullmatch(part)
        lag = int(match[1]) if match else None
        if lag is None or abs(lag) > MAX_TIME:
            raise lines.error(row, excerpt(part), "a lag in brackets, such as [-3]")
        links.append(_link(str(number), str(after), lag))
    return links


def _link(before: str, after: str, lag: int) -> dict[str, Any]:
    if lag < 0:
        limits = {"before": after, "after": before, "min_lag": None, "max_lag": -lag}
    else:
        limits = {"before": before, "after": after, "min_lag": lag, "max_lag": None}
    return {"kind": "start-start", **limits}


def _task(lines: Lines, number: int, last: int, width: int) -> dict[str, Any]:
    what = f"mode, duration and demands of activity {number} of {last}"
    row = lines.take(what)
    values = lines.integers(row, what, count=3 + width)
    _check_lead(lines, row, values[:2], number)
    lines.numbers(row, row.text.split()[3:], "a demand", high=10**9)
    names = (f"R{index}" for index in range(1, width + 1))
    demands = {name: amount for name, amount in zip(names, values[3:], strict=True) if amount}
    return {"id": str(number), "modes": [{"duration": values[2], "demands": demands}]}


def _check_lead(lines: Lines, row: Row, lead: list[int], number: int) -> None:
    if lead[0] != number:
        raise lines.error(row, f"activity {lead[0]}", f"activity {number}")
    if lead[1] != 1:
        raise lines.error(row, f"{lead[1]} as mode", "1: this layout is read with one mode only")
