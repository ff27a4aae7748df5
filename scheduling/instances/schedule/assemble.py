"""Parts of problems that several formats and generators build alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.text import STANDARD_INPUT
from scheduling.models.schedule.problem import ScheduleProblem

Operation = Sequence[tuple[int, int]]
"""Alternatives ``(machine, duration)`` of an operation, machines counted from 0."""


def machines(count: int) -> list[dict[str, Any]]:
    """Return machines ``M1`` … ``M<count>``."""
    return [{"type": "machine", "id": f"M{number}"} for number in range(1, count + 1)]


def shop_jobs(jobs: Iterable[Iterable[tuple[int, int]]]) -> list[dict[str, Any]]:
    """Return chained jobs ``J1``, … of operations ``J1.1``, … with one machine each.

    Parameters
    ----------
    jobs
        Per job its operations ``(machine, duration)`` in order, machines counted from 0.
    """
    return flexible_jobs([[pair] for pair in job] for job in jobs)


def flexible_jobs(jobs: Iterable[Iterable[Operation]]) -> list[dict[str, Any]]:
    """Return chained jobs ``J1``, … of operations ``J1.1``, … with a mode per alternative."""
    rows: list[dict[str, Any]] = []
    for number, job in enumerate(jobs, start=1):
        tasks = [
            {
                "id": f"J{number}.{position}",
                "modes": [
                    {"duration": duration, "machine": f"M{machine + 1}"}
                    for machine, duration in operation
                ],
            }
            for position, operation in enumerate(job, start=1)
        ]
        rows.append({"id": f"J{number}", "chain": True, "tasks": tasks})
    return rows


def task_graph(
    cost: Sequence[Sequence[int]], edges: Iterable[tuple[int, int, int]]
) -> dict[str, Any]:
    """Return the fields of a task graph on heterogeneous machines.

    Parameters
    ----------
    cost
        Duration of each task on each machine; task i is called ``T<i>``, machine p ``P<p>``.
    edges
        ``(before, after, communication)``, paid only between different machines.
    """
    names = [f"P{machine}" for machine in range(len(cost[0]))]
    tasks = [
        {
            "id": f"T{number}",
            "modes": [
                {"duration": duration, "machine": name}
                for name, duration in zip(names, row, strict=True)
            ],
        }
        for number, row in enumerate(cost)
    ]
    return {
        "resources": [{"type": "machine", "id": name} for name in names],
        "jobs": [{"id": "graph", "tasks": tasks}],
        "precedences": [
            {"before": f"T{before}", "after": f"T{after}", "transfer": comm}
            for before, after, comm in edges
        ],
    }


def build(
    source: str | None,
    resources: list[dict[str, Any]],
    jobs: list[dict[str, Any]],
    precedences: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> ScheduleProblem:
    """Validate a problem read from ``source`` and name it after the file.

    Parameters
    ----------
    source
        File name for faults; its stem becomes the problem's name.
    resources, jobs, precedences
        Fields of the problem, which the reader has checked with the lines at hand.
    more
        Other fields, such as ``same_order`` and ``objective``.
    """
    fields = {
        "name": PurePath(source).stem if source and source != STANDARD_INPUT else None,
        "resources": resources,
        "jobs": jobs,
        "precedences": precedences,
        **more,
    }
    try:
        return ScheduleProblem.model_validate(fields)
    except InputError as error:
        raise error.with_source(source or "text") from None
