"""Faults of disjunctive groups, of pools of machines and of machines that never stand still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scheduling.errors import Fault
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.schedule.problem import ScheduleProblem


def group_faults(problem: ScheduleProblem) -> Iterator[Fault]:
    """Yield unknown or repeated tasks of groups, and what pools and other machines cannot be."""
    tasks = {task.id for task in problem.tasks}
    for number, group in enumerate(problem.disjunctions):
        place = f"disjunctions[{number}]"
        if len(group) < 2:
            yield Fault(place, f"{len(group)} tasks", "at least two tasks")
        for name in dict.fromkeys(group):
            if name not in tasks:
                yield Fault(place, repr(name), "the id of a task")
        yield from repeated(place, group)
    for number, resource in enumerate(problem.resources):
        if resource.type == "machine" and resource.batch is not None:
            for rule in ("setups", "no_idle", "idle_power"):
                if getattr(resource, rule):
                    yield Fault(f"resources[{number}].batch", rule, f"a batch or {rule}, not both")
        if resource.type == "machine" and resource.no_idle and resource.calendar is not None:
            found = f"calendar {resource.calendar!r}"
            yield Fault(f"resources[{number}].no_idle", found, "a machine without calendar")
    yield from _batches(problem)
    pools = {resource.id for resource in problem.resources if resource.type == "pool"}
    if pools:
        yield from _pools(problem, pools)


def _batches(problem: ScheduleProblem) -> Iterator[Fault]:
    rooms = {
        resource.id: resource.batch
        for resource in problem.resources
        if resource.type == "machine" and resource.batch is not None
    }
    for index, group in enumerate(problem.same_order):
        for name in group:
            if name in rooms:
                expected = "a machine that runs one task at a time"
                yield Fault(f"same_order[{index}]", f"{name!r}, which runs batches", expected)
    for index, job in enumerate(problem.jobs if rooms else ()):
        for position, task in enumerate(job.tasks):
            for number, mode in enumerate(task.modes):
                room = rooms.get(mode.machine or "")
                if room is None:
                    continue
                if job.blocking:
                    found = f"task {task.id!r} on {mode.machine!r}, which runs batches"
                    expected = "machines that run one task at a time"
                    yield Fault(f"jobs[{index}].blocking", found, expected)
                if mode.size > room:
                    place = f"jobs[{index}].tasks[{position}].modes[{number}].size"
                    yield Fault(place, str(mode.size), f"at most the batch {room}")


def _pools(problem: ScheduleProblem, pools: set[str]) -> Iterator[Fault]:
    pooled: dict[str, str] = {}
    for index, job in enumerate(problem.jobs):
        for task in job.tasks:
            names = [mode.machine for mode in task.modes if mode.machine in pools]
            if names and names[0] is not None:
                pooled[task.id] = names[0]
                if job.blocking:
                    found = f"task {task.id!r} in pool {names[0]!r}"
                    yield Fault(f"jobs[{index}].blocking", found, "a machine in every mode")
    for index, link in enumerate(problem.precedences):
        for name in (link.before, link.after) if link.transfer else ():
            if name in pooled:
                found = f"task {name!r} in pool {pooled[name]!r}"
                yield Fault(f"precedences[{index}].transfer", found, "tasks on single machines")
