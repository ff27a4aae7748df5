"""Writers of project files: PSPLIB and Patterson.

A machine becomes a renewable resource of one unit, a chained job becomes precedences, and source
and sink are added where the problem has none of its own. Tasks get numbers instead of names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.features import demands, require
from scheduling.instances.text import join_rows
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import Mode, Resource, ScheduleProblem, Task

PROJECT_FEATURES = frozenset(
    {
        "machines",
        "renewables",
        "modes without a machine",
        "parallel tasks in a job",
        "precedences",
    }
)
"""What every project format holds."""

_RULE = "*" * 72 + "\n"
_EMPTY = "the format has one project with one release date, due date and weight"


@dataclass(slots=True)
class ProjectRow:
    """A task: its modes as ``(duration, amounts)``, and its successors from 1."""

    modes: list[tuple[int, list[int]]]
    successors: list[int]


def write_psplib(problem: Problem) -> str:
    """Write a project in PSPLIB layout, with as many modes per job as the tasks have.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    more = {"several modes", "consumables", "release dates", "due dates", "weights"}
    schedule = require(problem, "psplib", PROJECT_FEATURES | more)
    information = _information(schedule)
    columns = ordered_resources(schedule)
    rows = project_rows(schedule, lambda mode: amounts(mode, columns))
    kinds = ["N" if resource.type == "consumable" else "R" for resource in columns]
    numbers = [kinds[: index + 1].count(kind) for index, kind in enumerate(kinds)]
    names = "  ".join(f"{kind} {number}" for kind, number in zip(kinds, numbers, strict=True))
    horizon = sum(max(duration for duration, _ in row.modes) for row in rows)
    head = [
        f"projects                      :  1\njobs (incl. supersource/sink ):  {len(rows)}\n",
        f"horizon                       :  {horizon}\nRESOURCES\n",
        f"  - renewable                 :  {kinds.count('R')}   R\n",
        f"  - nonrenewable              :  {kinds.count('N')}   N\n",
        "  - doubly constrained        :  0   D\n",
    ]
    if information is not None:
        release, due, weight = information
        title = "PROJECT INFORMATION:\npronr.  #jobs rel.date duedate tardcost  MPM-Time\n"
        critical = [[1, len(rows) - 2, release, due, weight, 0]]
        head.append(f"{_RULE}{title}{join_rows(critical)}")
    links = [
        [number, len(row.modes), len(row.successors), *row.successors]
        for number, row in enumerate(rows, start=1)
    ]
    capacities = f"{names}\n{join_rows([map(capacity, columns)])}" if columns else ""
    parts = [
        "".join(head),
        f"PRECEDENCE RELATIONS:\njobnr. #modes #successors successors\n{join_rows(links)}",
        f"REQUESTS/DURATIONS:\njobnr. mode duration  {names}\n{join_rows(_mode_rows(rows))}",
        f"RESOURCEAVAILABILITIES:\n{capacities}",
    ]
    return _RULE + _RULE.join(parts) + _RULE


def write_patterson(problem: Problem) -> str:
    """Write a single-mode project in Patterson's layout.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    schedule = require(problem, "patterson", PROJECT_FEATURES)
    columns = ordered_resources(schedule)
    rows = project_rows(schedule, lambda mode: amounts(mode, columns))
    table = [[len(rows), len(columns)], [capacity(resource) for resource in columns]]
    for row in rows:
        duration, wanted = row.modes[0]
        table.append([duration, *wanted, len(row.successors), *row.successors])
    return join_rows(table)


def ordered_resources(schedule: ScheduleProblem) -> list[Resource]:
    """Return the resources in the order of columns: those that are returned, then those used up."""
    return sorted(schedule.resources, key=lambda resource: resource.type == "consumable")


def capacity(resource: Resource) -> int:
    """Return the units of a resource: one a machine, the first level of a reservoir."""
    if resource.type == "machine":
        return 1
    if resource.type == "pool":
        return resource.count
    return resource.initial if resource.type == "reservoir" else resource.capacity


def amounts(mode: Mode, columns: list[Resource]) -> list[int]:
    """Return a mode's demand per resource, with one unit of its machine."""
    wanted = {**mode.demands, mode.machine or "": 1}
    return [wanted.get(resource.id, 0) for resource in columns]


def is_idle(mode: Mode) -> bool:
    """Tell whether a mode takes no time and no resource, as those of source and sink."""
    idle = not demands(mode) and not any(mode.supplies.values())
    return not mode.duration and idle and mode.machine is None


def _information(schedule: ScheduleProblem) -> tuple[int, int, int] | None:
    """Return release date, due date and weight of the one job; ``None`` when all are default."""
    jobs = schedule.jobs
    plain = all(job.release == 0 and job.due is None and job.weight == 1 for job in jobs)
    if any(task.release for task in schedule.tasks) or (not plain and len(jobs) > 1):
        raise UnsupportedError(f"format psplib: {_EMPTY}: write .yaml or .json instead")
    if plain:
        return None
    if jobs[0].due is None:
        text = "format psplib cannot hold a release date or weight without a due date"
        raise UnsupportedError(f"{text} (job {jobs[0].id!r}): write .yaml or .json instead")
    return jobs[0].release, jobs[0].due, jobs[0].weight


def project_rows(
    schedule: ScheduleProblem, values: Callable[[Mode], list[int]]
) -> list[ProjectRow]:
    """Return a project's tasks in topological order, between a source and a sink.

    Parameters
    ----------
    schedule
        A project with precedences and chains, but no other time relations.
    values
        What a format writes of a mode besides its duration; all 0 for a new source or sink.
    """
    tasks = _sorted_tasks(schedule)
    index = {task.id: number for number, task in enumerate(tasks)}
    pairs = ((index[link.before], index[link.after]) for link in schedule.precedences)
    links = dict.fromkeys(pairs)
    for job in schedule.jobs:
        if job.chain:
            names = [index[task.id] for task in job.tasks]
            links |= dict.fromkeys(pairwise(names))
    firsts = sorted(set(range(len(tasks))) - {after for _, after in links})
    lasts = sorted(set(range(len(tasks))) - {before for before, _ in links})
    idle = [len(task.modes) == 1 and is_idle(task.modes[0]) for task in tasks]
    source = len(tasks) > 1 and firsts == [0] and idle[0]
    sink = len(tasks) > 1 and lasts == [len(tasks) - 1] and idle[-1]
    shift = 1 if source else 2
    rows = [
        ProjectRow([(mode.duration, values(mode)) for mode in task.modes], []) for task in tasks
    ]
    for before, after in links:
        rows[before].successors.append(after + shift)
    nothing = [(0, values(Mode(duration=0)))]
    if not sink:
        for number in lasts:
            rows[number].successors.append(len(tasks) + shift)
        rows.append(ProjectRow(nothing, []))
    if not source:
        rows.insert(0, ProjectRow(nothing, [number + shift for number in firsts]))
    return rows


def _sorted_tasks(schedule: ScheduleProblem) -> list[Task]:
    """Return the tasks in topological order, as these formats number them, else as listed."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(task.id for task in schedule.tasks)
    graph.add_edges_from((link.before, link.after) for link in schedule.precedences)
    for job in schedule.jobs:
        if job.chain:
            nx.add_path(graph, [task.id for task in job.tasks])
    rank = {task.id: number for number, task in enumerate(schedule.tasks)}
    order = nx.lexicographical_topological_sort(graph, key=rank.__getitem__)
    return [schedule.tasks[rank[name]] for name in order]


def _mode_rows(rows: list[ProjectRow]) -> list[list[int]]:
    table = []
    for number, row in enumerate(rows, start=1):
        for position, (duration, wanted) in enumerate(row.modes, start=1):
            lead = [number] if position == 1 else []
            table.append([*lead, position, duration, *wanted])
    return table
