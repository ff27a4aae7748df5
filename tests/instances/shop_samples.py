"""Small files of shop variants, reservoirs and task graphs, and what they say by another way."""

from __future__ import annotations

import re

from scheduling.models.schedule.problem import Machine, ScheduleProblem

SHEET = """3
2
4 5
6 7
8 9
"""
WIDE_SHEET = """2
3
4 5 6
7 8 9
"""
DUE_SHEET = """3
2
20 21 22
4 5
6 7
8 9
"""
STAGE_SHEET = """3
2
2 1
4 5
6 7
8 9
"""
FACTORY_SHEET = """3
2
2
4 5
6 7
8 9
"""
SETUP_SHEET = """3
2
4 5
6 7
8 9
0 1 2
3 0 4
5 6 0
0 7 8
9 0 10
11 12 0
"""
CPR = """5 1 2
4 9 3
0 0 0 0 0 0 2 2 3
3 2 1 0 0 3 1 4
5 4 0 2 1 0 1
  5
2 3 0 1 2 2 1 5
0 0 0 0 0 0 0
"""
STG = """3
0 0 0
1 5 1 0
2 4 1 0
3 6 2 1 2
4 0 1 3
# processors : 2
"""
HETEROGENEOUS = """{
"kind": "heterogeneous",
"processors": 2,
"cost": [
 [3, 4],
 [5, 1],
 [2, 2]
],
"edges": [
 [0, 1, 7],
 [1, 2, 0]
]}
"""
WORKFLOW = """{
"kind": "workflow",
"runtime_ms": [3000, 1, 10],
"edges_bytes": [
 [0, 1, 2500],
 [0, 2, 10]
],
"platform": {"speeds": [1.0, 2, 0.75], "link_bytes_per_s": 1000000}
}
"""
BLOCKING = """2 2
0 3 1 2
1 5 0 1
"""
OPERATED = f"# operators : 1\n{BLOCKING}"

SHEETS: dict[str, str] = {
    "osp": SHEET,
    "pfsp": SHEET,
    "nw-pfsp": SHEET,
    "tct-pfsp": WIDE_SHEET,
    "pmp": WIDE_SHEET,
    "tt-pfsp": DUE_SHEET,
    "hfsp": STAGE_SHEET,
    "dpfsp": FACTORY_SHEET,
    "sdst-pfsp": SETUP_SHEET,
}
SAME_LAYOUT = frozenset({"osp", "pfsp", "nw-pfsp", "tct-pfsp", "pmp"})
"""Formats whose content looks alike."""

VIEWS = frozenset({"jsplib-blocking", "jsplib-blocking-noswap", "jsplib-operators"})
"""Formats that read job shop files with another meaning."""

MORE_SAMPLES: dict[str, tuple[str, str]] = {
    **{name: (name, text) for name, text in SHEETS.items()},
    "cpr": ("rcpsp-cpr", CPR),
    "stg": ("stg", STG),
    "heterogeneous": ("heterogeneous", HETEROGENEOUS),
    "workflow": ("workflow", WORKFLOW),
    "blocking": ("jsplib-blocking", BLOCKING),
    "blocking without swaps": ("jsplib-blocking-noswap", BLOCKING),
    "operators": ("jsplib-operators", OPERATED),
}


def labels(text: str) -> list[int]:
    """Return the numbers of comment lines such as ``# processors : 2``."""
    found = re.findall(r"(?m)^\s*#\s*(?:processors|operators)\s*:\s*(\d+)\s*$", text, re.IGNORECASE)
    return sorted({int(number) for number in found})


def stated_graph(problem: ScheduleProblem) -> list[int]:
    """Return the numbers of a task graph's file."""
    before: dict[str, list[int]] = {task.id: [] for task in problem.tasks}
    for link in problem.precedences:
        before[link.after].append(int(link.before))
    found = [len(problem.tasks) - 2]
    for task in problem.tasks:
        many = before[task.id]
        found += [int(task.id), task.modes[0].duration, len(many), *many]
    return found


def stated_reservoirs(problem: ScheduleProblem) -> list[int]:
    """Return the numbers of a file with reservoirs, in which dummies take and put nothing."""
    kinds = [resource.type for resource in problem.resources]
    levels = [
        resource.initial if resource.type == "reservoir" else getattr(resource, "capacity", 1)
        for resource in problem.resources
    ]
    after: dict[str, list[int]] = {task.id: [] for task in problem.tasks}
    for link in problem.precedences:
        after[link.before].append(int(link.after))
    found = [len(problem.tasks), kinds.count("renewable"), kinds.count("reservoir"), *levels]
    for task in problem.tasks:
        mode, many = task.modes[0], after[task.id]
        found.append(mode.duration)
        for resource in problem.resources:
            found.append(mode.demands.get(resource.id, 0))
            if resource.type == "reservoir":
                found.append(mode.supplies.get(resource.id, 0))
        found += [len(many), *many]
    return found


def meant_reservoirs(values: list[int]) -> list[int]:
    """Return a file's numbers without what dummies take and put, and successors named again."""
    count, many, stocks = values[:3]
    start = 3 + many + stocks
    meant, left = values[:start], values[start:]
    for activity in range(count):
        width = 1 + many + 2 * stocks
        row, after = left[:width], left[width + 1 : width + 1 + left[width]]
        left = left[width + 1 + len(after) :]
        if activity in (0, count - 1):
            row[1 + many :] = [0] * (2 * stocks)
        meant += [*row, len(set(after)), *dict.fromkeys(after)]
    return meant + left


def stated_sheet(name: str, problem: ScheduleProblem) -> list[int]:
    """Return the numbers of a shop variant's file."""
    jobs = problem.jobs
    if name == "pmp":
        rows = [[mode.duration for mode in job.tasks[0].modes] for job in jobs]
    else:
        rows = [[task.modes[0].duration for task in job.tasks] for job in jobs]
    found = [len(rows), len(rows[0])]
    if name == "dpfsp":
        found.append(len(problem.same_order))
    if name == "hfsp":
        found += [getattr(resource, "capacity", 0) for resource in problem.resources]
    if name == "tt-pfsp":
        found += [job.due or 0 for job in jobs]
    found += [value for row in rows for value in row]
    if name == "sdst-pfsp":
        for machine in problem.resources:
            assert isinstance(machine, Machine)
            times = {(entry.before, entry.after): entry.time for entry in machine.setups}
            found += [times.get((i.id, j.id), 0) for i in jobs for j in jobs]
    return found
