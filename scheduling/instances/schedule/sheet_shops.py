"""The problems behind the tables of shop variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scheduling.instances.schedule import assemble

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Numbers of a shop.

    Parameters
    ----------
    durations
        Per job a duration per machine or stage.
    factories
        Number of equal factories.
    stages
        Machines per stage of a hybrid flow shop.
    dues
        Due date per job.
    setups
        Per machine the setup time from job to job.
    """

    durations: list[list[int]]
    factories: int
    stages: list[int]
    dues: list[int]
    setups: list[list[list[int]]]

    @property
    def width(self) -> int:
        """Number of machines or stages."""
        return len(self.durations[0])


def open_shop(sheet: Sheet) -> Fields:
    """Return an open shop: a resource of one unit per job keeps its operations apart."""
    jobs = _flow_jobs(sheet)
    for job in jobs:
        job["chain"] = False
        for task in job["tasks"]:
            task["modes"][0]["demands"] = {f"job {job['id']}": 1}
    apart = [{"type": "renewable", "id": f"job {job['id']}", "capacity": 1} for job in jobs]
    return {"resources": [*assemble.machines(sheet.width), *apart], "jobs": jobs}


def permutation_flow_shop(sheet: Sheet) -> Fields:
    """Return a flow shop with one order of jobs on all machines."""
    resources = assemble.machines(sheet.width)
    order = [machine["id"] for machine in resources]
    return {"resources": resources, "jobs": _flow_jobs(sheet), "same_order": [order]}


def no_wait_flow_shop(sheet: Sheet) -> Fields:
    """Return a permutation flow shop in which jobs never wait between machines."""
    fields = permutation_flow_shop(sheet)
    for job in fields["jobs"]:
        job["no_wait"] = True
    return fields


def completion_flow_shop(sheet: Sheet) -> Fields:
    """Return a permutation flow shop with total completion time."""
    return {**permutation_flow_shop(sheet), "objective": "total_completion"}


def tardiness_flow_shop(sheet: Sheet) -> Fields:
    """Return a permutation flow shop with due dates and total tardiness."""
    fields = permutation_flow_shop(sheet)
    for job, due in zip(fields["jobs"], sheet.dues, strict=True):
        job["due"] = due
    return {**fields, "objective": "total_tardiness"}


def setup_flow_shop(sheet: Sheet) -> Fields:
    """Return a permutation flow shop with setups; a machine's state is the job it carries out."""
    fields = permutation_flow_shop(sheet)
    for job in fields["jobs"]:
        for task in job["tasks"]:
            task["modes"][0]["state"] = job["id"]
    for machine, table in zip(fields["resources"], sheet.setups, strict=True):
        machine["setups"] = [
            {"before": f"J{i}", "after": f"J{j}", "time": time}
            for i, row in enumerate(table, start=1)
            for j, time in enumerate(row, start=1)
            if time
        ]
    return fields


def hybrid_flow_shop(sheet: Sheet) -> Fields:
    """Return a flow shop with a pool of identical machines at each stage."""
    jobs = _flow_jobs(sheet)
    for job in jobs:
        for stage, task in enumerate(job["tasks"], start=1):
            duration = task["modes"][0]["duration"]
            task["modes"] = [{"duration": duration, "demands": {f"S{stage}": 1}}]
    resources = [
        {"type": "renewable", "id": f"S{stage}", "capacity": capacity}
        for stage, capacity in enumerate(sheet.stages, start=1)
    ]
    return {"resources": resources, "jobs": jobs}


def parallel_machines(sheet: Sheet) -> Fields:
    """Return jobs of one task that runs on any machine, at that machine's speed."""
    rows = [[list(enumerate(row))] for row in sheet.durations]
    return {"resources": assemble.machines(sheet.width), "jobs": assemble.flexible_jobs(rows)}


def distributed_flow_shop(sheet: Sheet) -> Fields:
    """Return equal permutation flow shops; each job stays in the one that its mode names."""
    factories = range(1, sheet.factories + 1)
    groups = [[f"F{f}.M{k}" for k in range(1, sheet.width + 1)] for f in factories]
    resources = [{"type": "machine", "id": name} for group in groups for name in group]
    jobs = _flow_jobs(sheet)
    for job in jobs:
        job["same_mode"] = True
        for position, task in enumerate(job["tasks"]):
            duration = task["modes"][0]["duration"]
            task["modes"] = [{"duration": duration, "machine": group[position]} for group in groups]
    return {"resources": resources, "jobs": jobs, "same_order": groups}


def _flow_jobs(sheet: Sheet) -> list[Fields]:
    return assemble.shop_jobs(enumerate(row) for row in sheet.durations)
