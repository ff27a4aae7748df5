"""Task graphs on identical processors: the Standard Task Graph set (``.stg``).

The number of tasks ``n``, then per task ``number duration predecessors…`` with the count of the
predecessors before them; tasks 0 and n + 1 are dummies. The set leaves the number of processors
open: it comes from the format's name (``stg:4``) or from a comment line ``# processors : 4``, which
the writer adds. Kasahara Laboratory, Waseda University, https://www.kasahara.cs.waseda.ac.jp/.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.features import demands, require
from scheduling.instances.schedule.project_writers import project_rows
from scheduling.instances.text import MAX_COUNT, Lines, Row, head, is_integer, join_rows, labelled
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import Mode, ScheduleProblem

PROCESSORS = "processors"
_ROW = "number, duration, number of predecessors, predecessors"
_HOLDS = frozenset(
    {"renewables", "modes without a machine", "parallel tasks in a job", "precedences"}
)


def sniff_stg(text: str) -> bool:
    """Tell whether the text starts like a Standard Task Graph."""
    rows = [line.split() for line in head(text, 3, "#")]
    if len(rows) < 3 or len(rows[0]) != 1 or not all(is_integer(p) for row in rows for p in row):
        return False
    return rows[1] == ["0", "0", "0"] and rows[2][0] == "1" and len(rows[2]) > 3


def read_stg(text: str, source: str | None, processors: int | None = None) -> ScheduleProblem:
    """Read a task graph for so many processors.

    Raises
    ------
    InputError
        With the line of the fault, and when nothing says how many processors there are.
    """
    lines = Lines(text, source, comment="#")
    if processors is None:
        processors = labelled(text, source, PROCESSORS)
    header = lines.take("the number of tasks")
    last = lines.integers(header, "the number of tasks", count=1, high=MAX_COUNT)[0] + 1
    if processors is None:
        expected = "format stg:NUMBER, or a line «# processors : NUMBER»"
        raise lines.error(header, "no number of processors", expected)
    rows, tasks, before = [], [], {}
    for number in range(last + 1):
        row = lines.take(f"task {number} of {last}")
        duration, before[number] = _task(lines, row, number, last)
        wanted = {PROCESSORS: 1} if duration else {}
        tasks.append({"id": str(number), "modes": [{"duration": duration, "demands": wanted}]})
        rows.append(row)
    lines.finish()
    _check_ties(lines, rows, before)
    _refuse_cycles(lines, rows, before)
    links = [
        {"before": str(i), "after": str(number)} for number, many in before.items() for i in many
    ]
    pool = {"type": "renewable", "id": PROCESSORS, "capacity": processors}
    return build(source, [pool], [{"id": "graph", "tasks": tasks}], links)


def _task(lines: Lines, row: Row, number: int, last: int) -> tuple[int, list[int]]:
    values = lines.integers(row, _ROW)
    if len(values) < 3 or len(values) != 3 + values[2]:
        raise lines.error(row, f"{len(values)} numbers", f"{_ROW} as announced")
    if values[0] != number:
        raise lines.error(row, f"task {values[0]}", f"task {number}")
    duration, predecessors = values[1], values[3:]
    if number in (0, last) and duration:
        raise lines.error(row, f"duration {duration}", "0: the first and last task are dummies")
    if len(set(predecessors)) < len(predecessors):
        raise lines.error(row, "a predecessor twice", "each predecessor once")
    if any(not 0 <= other <= last or other == number for other in predecessors):
        raise lines.error(row, f"predecessors {predecessors}", f"other tasks from 0 to {last}")
    if bool(predecessors) == (number == 0):
        expected = "no predecessor" if number == 0 else "at least one predecessor, such as task 0"
        raise lines.error(row, f"{len(predecessors)} predecessors", expected)
    return duration, predecessors


def _check_ties(lines: Lines, rows: list[Row], before: dict[int, list[int]]) -> None:
    """Refuse a task that a damaged row has cut off from the last one."""
    used = set().union(*before.values())
    loose = next((number for number in range(len(rows) - 1) if number not in used), None)
    if loose is not None:
        found = f"task {loose} without successor"
        raise lines.error(rows[loose], found, "each task but the last among the predecessors")


def _refuse_cycles(lines: Lines, rows: list[Row], before: dict[int, list[int]]) -> None:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        cycle = error.args[1]
        found = "cycle " + " -> ".join(map(str, cycle))
        raise lines.error(rows[cycle[0]], found, "precedences without a cycle") from None


def write_stg(problem: Problem) -> str:
    """Write a task graph on identical processors; names are replaced by numbers.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    schedule = require(problem, "stg", _HOLDS)
    pools = [resource for resource in schedule.resources if resource.type == "renewable"]
    if (
        len(pools) != 1
        or not pools[0].capacity
        or any(_strange(task.modes[0]) for task in schedule.tasks)
    ):
        only = "tasks that take one of a number of identical processors"
        raise UnsupportedError(f"format stg holds only {only}: write .yaml or .json instead")
    rows = project_rows(schedule, lambda _: [])
    before: list[list[int]] = [[] for _ in rows]
    for number, row in enumerate(rows):
        for after in row.successors:
            before[after - 1].append(number)
    table: list[list[Any]] = [[len(rows) - 2]]
    for number, (row, many) in enumerate(zip(rows, before, strict=True)):
        table.append([number, row.modes[0][0], len(many), *many])
    return join_rows([*table, ["#", PROCESSORS, ":", pools[0].capacity]])


def _strange(mode: Mode) -> bool:
    return list(demands(mode).values()) != ([1] if mode.duration else [])
