"""Faults of disjunctive groups, of pools of machines and of machines that never stand still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scheduling.errors import Fault

if TYPE_CHECKING:
    from scheduling.models.schedule.problem import ScheduleProblem


def group_faults(problem: ScheduleProblem) -> Iterator[Fault]:
    """Yield unknown or repeated tasks of groups, and what pools and other machines cannot be."""
    tasks = {task.id for task in problem.tasks}
    for number, group in enumerate(problem.disjunctions):
        place = f"disjunctions[{number}]"
        if len(group) < 2:
            yield Fault(place, f"{len(group)} tasks", "at least two tasks")
        for name, count in Counter(group).items():
            if name not in tasks:
                yield Fault(place, repr(name), "the id of a task")
            elif count > 1:
                yield Fault(place, f"task {name!r} {count} times", "each task once")
    for number, resource in enumerate(problem.resources):
        if resource.type == "machine" and resource.no_idle and resource.calendar is not None:
            found = f"calendar {resource.calendar!r}"
            yield Fault(f"resources[{number}].no_idle", found, "a machine without calendar")
    pools = {resource.id for resource in problem.resources if resource.type == "pool"}
    if pools:
        yield from _pools(problem, pools)


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
