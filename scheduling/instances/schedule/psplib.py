"""Reader of PSPLIB project files: single mode (``.sm``) and multi-mode (``.mm``).

The sections are the preamble with the numbers of jobs and resources, PROJECT INFORMATION
(optional, as in MMLIB), PRECEDENCE RELATIONS, REQUESTS/DURATIONS and RESOURCEAVAILABILITIES. Source
and sink are jobs like the others, numbered first and last. Kolisch, Sprecher (1996), "PSPLIB: a
project scheduling problem library".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scheduling.instances.schedule.assemble import build
from scheduling.instances.text import MAX_COUNT, Lines, Row, excerpt, head
from scheduling.models.schedule.problem import MAX_TIME, ScheduleProblem

_RULE = re.compile(r"[*-]{4,}")
_IGNORED = re.compile(
    r"(file with basedata|initial value random generator)\s*:.*|RESOURCES", re.IGNORECASE
)
_HEADS = {
    "projects": re.compile(r"projects\s*:\s*(\S+)", re.IGNORECASE),
    "jobs": re.compile(r"jobs\s*\(incl\.?[^)]*\)\s*:\s*(\S+)", re.IGNORECASE),
    "horizon": re.compile(r"horizon\s*:\s*(\S+)", re.IGNORECASE),
    "renewable": re.compile(r"-\s*renewable\s*:\s*(\S+)\s+R", re.IGNORECASE),
    "nonrenewable": re.compile(r"-\s*nonrenewable\s*:\s*(\S+)\s+N", re.IGNORECASE),
    "doubly constrained": re.compile(r"-\s*doubly constrained\s*:\s*(\S+)\s+D", re.IGNORECASE),
}
_SECTIONS = {
    "project": re.compile(r"PROJECT INFORMATION\s*:?", re.IGNORECASE),
    "precedence": re.compile(r"PRECEDENCE RELATIONS\s*:?", re.IGNORECASE),
    "requests": re.compile(r"REQUESTS/DURATIONS\s*:?", re.IGNORECASE),
    "capacities": re.compile(r"RESOURCE\s*AVAILABILITIES\s*:?", re.IGNORECASE),
}
_TITLES = {
    "project": "PROJECT INFORMATION",
    "precedence": "PRECEDENCE RELATIONS",
    "requests": "REQUESTS/DURATIONS",
    "capacities": "RESOURCEAVAILABILITIES",
}
_REQUIRED = ("jobs", "renewable", "nonrenewable", "doubly constrained")


@dataclass
class _Project:
    """What has been read so far."""

    jobs: int = 0
    renewables: int = 0
    consumables: int = 0
    release: int = 0
    due: int | None = None
    weight: int = 1
    modes: list[int] = field(default_factory=list)
    successors: list[list[int]] = field(default_factory=list)

    @property
    def resources(self) -> list[str]:
        """Ids of the resources in the order of the columns."""
        renewables = [f"R{number}" for number in range(1, self.renewables + 1)]
        return renewables + [f"N{number}" for number in range(1, self.consumables + 1)]


def sniff_psplib(text: str) -> bool:
    """Tell whether the text starts like a PSPLIB project."""
    return any(_HEADS["jobs"].fullmatch(line) for line in head(text, 12))


def read_psplib(text: str, source: str | None) -> ScheduleProblem:
    """Read a project in PSPLIB layout, single or multi-mode.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    lines = Lines(text, source)
    project = _Project()
    section = _preamble(lines, project)
    if section == "project":
        _information(lines, project)
        _section(lines, "precedence")
    _precedences(lines, project)
    _section(lines, "requests")
    tasks = _requests(lines, project)
    _section(lines, "capacities")
    resources = _capacities(lines, project)
    _skip_rules(lines)
    lines.finish()
    job = {
        "id": "project",
        "tasks": tasks,
        "release": project.release,
        "due": project.due,
        "weight": project.weight,
    }
    links = [
        {"before": str(before), "after": str(after)}
        for before, row in enumerate(project.successors, start=1)
        for after in row
    ]
    return build(source, resources, [job], links)


def _preamble(lines: Lines, project: _Project) -> str:
    """Read up to the first section's title and return that section."""
    values: dict[str, int] = {}
    while True:
        row = lines.take(f"the section {_TITLES['precedence']}")
        title = next((key for key, form in _SECTIONS.items() if form.fullmatch(row.text)), None)
        if title is not None:
            break
        if _RULE.fullmatch(row.text) or _IGNORED.fullmatch(row.text):
            continue
        match = next(((k, m) for k, f in _HEADS.items() if (m := f.fullmatch(row.text))), None)
        if match is None:
            raise lines.error(row, excerpt(row.text), "a line of a PSPLIB preamble")
        key, found = match
        if key in values:
            raise lines.error(row, f"{key!r} a second time", "it once")
        low = 1 if key in ("projects", "jobs") else 0
        high = MAX_COUNT * MAX_TIME if key == "horizon" else MAX_COUNT
        values[key] = lines.numbers(row, [found[1]], key, low=low, high=high)[0]
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise lines.error(row, excerpt(row.text), f"the number of {missing[0]} before it")
    for key, wanted in (("projects", 1), ("doubly constrained", 0)):
        if values.get(key, wanted) != wanted:
            raise lines.error(row, f"{key}: {values[key]}", f"{key}: {wanted}")
    if title not in ("project", "precedence"):
        raise lines.error(row, excerpt(row.text), f"the section {_TITLES['precedence']}")
    project.jobs = values["jobs"]
    project.renewables, project.consumables = values["renewable"], values["nonrenewable"]
    return title


def _information(lines: Lines, project: _Project) -> None:
    _columns(lines, r"pronr\.?\s+#jobs\s+rel\.?date\s+duedate\s+tardcost\s+MPM-Time")
    row = lines.take("number, jobs, release, due date, tardiness cost and MPM time")
    values = lines.integers(row, "project, jobs, release, due, cost, MPM time", count=6)
    if values[0] != 1:
        raise lines.error(row, f"project {values[0]}", "project 1, the only one")
    if values[1] + 2 != project.jobs:
        expected = f"{project.jobs - 2}: all jobs but source and sink"
        raise lines.error(row, f"{values[1]} jobs", expected)
    project.release, project.due = values[2], values[3]
    project.weight = lines.numbers(row, row.text.split()[4:5], "tardiness cost", high=10**6)[0]


def _precedences(lines: Lines, project: _Project) -> None:
    _columns(lines, r"jobnr\.?\s+#modes\s+#successors\s+successors")
    rows = []
    for job in range(1, project.jobs + 1):
        row = lines.take(f"the successors of job {job} of {project.jobs}")
        values = lines.integers(row, "job, modes, number of successors, successors", high=MAX_COUNT)
        if len(values) < 3 or len(values) != 3 + values[2]:
            expected = "job, modes, number of successors and as many successors"
            raise lines.error(row, f"{len(values)} numbers", expected)
        if values[0] != job:
            raise lines.error(row, f"job {values[0]}", f"job {job} of {project.jobs}")
        if values[1] < 1:
            raise lines.error(row, "0 modes", "at least one mode")
        check_successors(lines, row, values[3:], job, range(1, project.jobs + 1))
        check_numbering(lines, row, values[3:], job)
        rows.append(row)
        project.modes.append(values[1])
        project.successors.append(values[3:])
    check_ties(lines, rows, project.successors)


def check_successors(lines: Lines, row: Row, successors: list[int], job: int, jobs: range) -> None:
    """Refuse successors that are out of range, repeated or the job itself."""
    for after in successors:
        if after not in jobs:
            expected = f"a job from {jobs[0]} to {jobs[-1]}"
            raise lines.error(row, f"successor {after}", expected)
        if after == job:
            raise lines.error(row, f"job {job} as its own successor", "another job")
    if len(set(successors)) < len(successors):
        raise lines.error(row, "a successor twice", "each successor once")


def check_numbering(lines: Lines, row: Row, successors: list[int], job: int) -> None:
    """Refuse a successor with a smaller number: these formats number jobs in topological order."""
    early = [after for after in successors if after < job]
    if early:
        raise lines.error(row, f"successor {early[0]} of job {job}", f"a job after {job}")


def check_ties(lines: Lines, rows: list[Row], successors: list[list[int]]) -> None:
    """Refuse a job that a damaged list of successors has cut off from source or sink."""
    reached = {1}.union(*successors)
    for job, (row, after) in enumerate(zip(rows, successors, strict=True), start=1):
        if job not in reached:
            expected = "each job but the first among the successors of another"
            raise lines.error(row, f"job {job} without predecessor", expected)
        if not after and job < len(rows):
            raise lines.error(row, f"job {job} without successor", "one, as it is not the last job")


def _requests(lines: Lines, project: _Project) -> list[dict[str, Any]]:
    names = project.resources
    _columns(lines, r"jobnr\.?\s+mode\s+dur(?:ation)?", names)
    tasks: list[dict[str, Any]] = []
    for job in range(1, project.jobs + 1):
        modes = []
        for mode in range(1, project.modes[job - 1] + 1):
            what = f"mode {mode} of {project.modes[job - 1]} of job {job} of {project.jobs}"
            row = lines.take(what)
            lead = [job, mode] if mode == 1 else [mode]
            count = len(lead) + 1 + len(names)
            values = lines.integers(row, f"{what}, its duration and demands", count=count)
            if values[: len(lead)] != lead:
                found = "job, mode" if mode == 1 else "mode"
                raise lines.error(row, f"{found} {values[: len(lead)]}", what)
            lines.numbers(row, row.text.split()[len(lead) + 1 :], "a demand", high=10**9)
            amounts = zip(names, values[len(lead) + 1 :], strict=True)
            demands = {name: amount for name, amount in amounts if amount}
            modes.append({"duration": values[len(lead)], "demands": demands})
        tasks.append({"id": str(job), "modes": modes})
    return tasks


def _capacities(lines: Lines, project: _Project) -> list[dict[str, Any]]:
    names = project.resources
    if not names:
        return []
    _columns(lines, "", names)
    row = lines.take("the capacities")
    values = lines.integers(row, "a capacity per resource", count=len(names), high=10**9)
    types = ["renewable"] * project.renewables + ["consumable"] * project.consumables
    return [
        {"type": kind, "id": name, "capacity": value}
        for kind, name, value in zip(types, names, values, strict=True)
    ]


def _section(lines: Lines, key: str) -> None:
    _skip_rules(lines)
    row = lines.take(f"the section {_TITLES[key]}")
    if not _SECTIONS[key].fullmatch(row.text):
        raise lines.error(row, excerpt(row.text), f"the section {_TITLES[key]}")


def _columns(lines: Lines, form: str, names: Sequence[str] = ()) -> None:
    """Take the line that names the columns, and the rule under it if there is one.

    ``form`` describes the fixed names at its start, ``names`` are those of the resources after.
    """
    row = lines.take("the names of the columns")
    start = re.match(form, row.text, re.IGNORECASE)
    rest = row.text[start.end() :] if start else ""
    if not start or "".join(rest.split()).upper() != "".join(names):
        raise lines.error(row, excerpt(row.text), "the names of the columns announced above")
    _skip_rules(lines)


def _skip_rules(lines: Lines) -> None:
    while (row := lines.peek()) is not None and _RULE.fullmatch(row.text):
        lines.take("a rule")
