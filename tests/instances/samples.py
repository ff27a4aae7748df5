"""One small valid file per format, and an independent reading of what each says."""

from __future__ import annotations

import re

from scheduling.models.schedule.problem import ScheduleProblem
from tests.instances.shop_samples import (
    MORE_SAMPLES,
    SHEETS,
    VIEWS,
    labels,
    meant_reservoirs,
    stated_graph,
    stated_reservoirs,
    stated_sheet,
)

JSPLIB = """# three jobs
3 3
0 3 1 2 2 5
0 2 2 1 1 4
1 4 2 3 0 1
"""
REENTRANT = """3 3
0 3 1 2 0 4
2 5 1 1 2 2 1 6
0 7 1 8 0 9
"""
TERMINATED = """2 3
0 3 1 2 -1 -1
2 5 1 1 2 2 0 6 -1 -1
"""
TAILLARD = """Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound
  2  3  840612802 398197754 20 10
Times
 4 5 6
 7 8 9
Machines
 3 1 2
 2 3 1
"""
FJS = """2 3 1.5
2 2 1 5 2 4 1 3 2
3 1 2 6 2 1 3 3 1 1 1 9
"""
SM = """************************************************************************
file with basedata            : tiny.bas
initial value random generator: 28123
************************************************************************
projects                      :  1
jobs (incl. supersource/sink ):  5
horizon                       :  12
RESOURCES
  - renewable                 :  2   R
  - nonrenewable              :  0   N
  - doubly constrained        :  0   D
************************************************************************
PROJECT INFORMATION:
pronr.  #jobs rel.date duedate tardcost  MPM-Time
    1      3      0        9       4        9
************************************************************************
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
   1        1          2           2   3
   2        1          1           4
   3        1          1           5
   4        1          1           5
   5        1          0
************************************************************************
REQUESTS/DURATIONS:
jobnr. mode duration  R 1  R 2
------------------------------------------------------------------------
  1      1     0       0    0
  2      1     3       2    0
  3      1     4       1    5
  4      1     5       0    3
  5      1     0       0    0
************************************************************************
RESOURCEAVAILABILITIES:
  R 1  R 2
    2    6
************************************************************************
"""
MM = """jobs  (incl. supersource/sink ):\t4
RESOURCES
- renewable                 : 1 R
- nonrenewable              : 1 N
- doubly constrained        : 0 D
************************************************************************
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
1\t1\t2\t\t2 3
2\t2\t1\t\t4
3\t2\t1\t\t4
4\t1\t0\t\t
************************************************************************
REQUESTS/DURATIONS
jobnr.\tmode\tdur\tR1\tN1
------------------------------------------------------------------------
1\t1\t0\t0\t0
2\t1\t3\t2\t4
\t2\t5\t1\t2
3\t1\t2\t3\t7
\t2\t6\t2\t1
4\t1\t0\t0\t0
************************************************************************

 RESOURCE AVAILABILITIES
\tR 1\tN 1
\t3\t8

************************************************************************
"""
RCP = """5 2
4 7
0 0 0 2 2 3
3 2 1 1
  4
5 0 4 1 5
2 3 0 1 5
0 0 0 0
"""
SCH = """3 2 0 0
0 1 2 1 2 [0] [0]
1 1 1 3 [2]
2 1 2 4 3 [4] [-3]
3 1 2 4 1 [5] [-8]
4 1 0
0 1 0 0 0
1 1 3 1 0
2 1 4 2 2
3 1 5 0 1
4 1 0 0 0
3 2
"""
YAML = """kind: schedule
name: tiny
resources:
  - {type: machine, id: saw}
  - {type: renewable, id: crew, capacity: 2}
jobs:
  - id: table
    chain: true
    due: 9
    tasks:
      - id: cut
        modes: [{machine: saw, duration: 3}]
      - id: glue
        modes: [{duration: 4, demands: {crew: 1}}, {duration: 2, demands: {crew: 2}}]
objective: total_tardiness
"""
JSON = """{
 "kind": "schedule",
 "resources": [{"type": "machine", "id": "saw"}],
 "jobs": [
  {"id": "table", "tasks": [{"id": "cut", "modes": [{"machine": "saw", "duration": 3}]}]}
 ]
}
"""

SAMPLES: dict[str, tuple[str, str]] = {
    "jsplib": ("jsplib", JSPLIB),
    "reentrant": ("jsplib", REENTRANT),
    "terminated": ("jsplib", TERMINATED),
    "taillard": ("taillard", TAILLARD),
    "fjs": ("fjs", FJS),
    "sm": ("psplib", SM),
    "mm": ("psplib", MM),
    "patterson": ("patterson", RCP),
    "progenmax": ("progenmax", SCH),
    "yaml": ("yaml", YAML),
    "json": ("json", JSON),
    **MORE_SAMPLES,
}
"""Sample name to format and text."""

PARAMETERS = ("stg", "jsplib-operators")
"""Formats with a parameter, which a comment of the file may state."""

DOCUMENTS = ("yaml", "json", "heterogeneous", "workflow")
"""Formats that are documents with keys."""


def numbers(name: str, text: str) -> list[int]:
    """Return the numbers that carry meaning, taken from the text without a parser of ours."""
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    if name in ("jsplib", *VIEWS):
        lines = [re.sub(r"-1\s+-1\s*$", "", line) for line in lines]
    if name == "taillard":
        head = next(line for line in lines if re.match(r"\s*\d", line))
        body = lines[lines.index(head) + 1 :]
        return _integers(" ".join(head.split()[:2])) + _integers(" ".join(body))
    if name == "fjs":
        first = next(index for index, line in enumerate(lines) if line.strip())
        return _integers(" ".join(lines[first].split()[:2])) + _integers(
            " ".join(lines[first + 1 :])
        )
    if name == "psplib":
        start = next(index for index, line in enumerate(lines) if "PRECEDENCE" in line.upper())
        rows = [line for line in lines[start:] if re.fullmatch(r"[\d\s]+", line)]
        return _integers(" ".join(rows))
    if name == "rcpsp-cpr":
        return meant_reservoirs(_integers(" ".join(lines)))
    return _integers(" ".join(lines)) + (labels(text) if name in PARAMETERS else [])


def _integers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?<![\d.])-?\d+", text)]


def stated(name: str, problem: ScheduleProblem) -> list[int]:
    """Return the numbers that a file of the format must hold to state this problem."""
    if name in SHEETS:
        return stated_sheet(name, problem)
    if name == "rcpsp-cpr":
        return stated_reservoirs(problem)
    parameter = [r.capacity for r in problem.resources if r.type == "renewable"]
    if name == "stg":
        return stated_graph(problem) + parameter
    if name in VIEWS:
        machines = [r.id for r in problem.resources if r.type == "machine"]
        index = {machine: position for position, machine in enumerate(machines)}
        return _stated_shop("jsplib", problem, index) + parameter
    resources = [resource.id for resource in problem.resources]
    index = {resource: position for position, resource in enumerate(resources)}
    capacities = [getattr(resource, "capacity", 1) for resource in problem.resources]
    if name in ("jsplib", "taillard", "fjs"):
        return _stated_shop(name, problem, index)
    successors: dict[str, list[tuple[int, int]]] = {task.id: [] for task in problem.tasks}
    for link in problem.precedences:
        if link.max_lag is not None:
            successors[link.after].append((int(link.before), -link.max_lag))
        else:
            successors[link.before].append((int(link.after), link.min_lag or 0))
    found: list[int] = []
    table: list[int] = []
    size = [len(problem.tasks), len(resources)]
    for task in problem.tasks:
        out = successors[task.id]
        after = [number for number, _ in out]
        modes = [
            [mode.duration, *(mode.demands.get(r, 0) for r in resources)] for mode in task.modes
        ]
        if name == "patterson":
            found += [*modes[0], len(out), *after]
            continue
        found += [int(task.id), len(modes), len(out), *after]
        if name == "progenmax":
            found += [lag for _, lag in out]
        table.append(int(task.id))
        for position, mode in enumerate(modes, start=1):
            table += [position, *mode]
    if name == "patterson":
        return size + capacities + found
    head = [size[0] - 2, size[1], 0, 0] if name == "progenmax" else []
    return head + found + table + capacities


def _stated_shop(name: str, problem: ScheduleProblem, index: dict[str, int]) -> list[int]:
    size = [len(problem.jobs), len(index)]
    jobs = [
        [[(index[mode.machine or ""], mode.duration) for mode in task.modes] for task in job.tasks]
        for job in problem.jobs
    ]
    if name == "jsplib":
        return size + [value for job in jobs for task in job for value in task[0]]
    if name == "taillard":
        times = [task[0][1] for job in jobs for task in job]
        return size + times + [task[0][0] + 1 for job in jobs for task in job]
    found = size
    for job in jobs:
        found = [*found, len(job)]
        for task in job:
            pairs = [value for machine, duration in task for value in (machine + 1, duration)]
            found += [len(task), *pairs]
    return found
