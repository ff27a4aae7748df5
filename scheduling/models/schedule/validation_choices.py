"""Faults of optional tasks, of alternative routes and of rules between modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import networkx as nx

from scheduling.errors import Fault
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.schedule.problem import Alternative, ScheduleProblem, Task


def choice_faults(problem: ScheduleProblem) -> Iterator[Fault]:
    """Yield the faults of everything that makes tasks or modes depend on each other."""
    tasks = {task.id: task for task in problem.tasks}
    yield from _optional(problem)
    for index, entry in enumerate(problem.alternatives):
        yield from _alternative(f"alternatives[{index}]", entry, tasks)
    yield from _repeated(problem)
    yield from _nesting(problem)
    yield from _mode_rules(problem, tasks)


def _optional(problem: ScheduleProblem) -> Iterator[Fault]:
    for index, job in enumerate(problem.jobs):
        if job.blocking and any(task.optional for task in job.tasks):
            expected = "no optional tasks in a blocking job"
            yield Fault(f"jobs[{index}].blocking", "an optional task", expected)
        for position, task in enumerate(job.tasks):
            if task.skip_cost and not task.optional:
                place = f"jobs[{index}].tasks[{position}].skip_cost"
                yield Fault(place, str(task.skip_cost), "an optional task")


def _alternative(place: str, entry: Alternative, tasks: dict[str, Task]) -> Iterator[Fault]:
    if not entry.routes:
        yield Fault(f"{place}.routes", "none", "at least one route")
    for number, route in enumerate(entry.routes):
        for name in route:
            if name not in tasks:
                yield Fault(f"{place}.routes[{number}]", repr(name), "the id of a task")
            elif not tasks[name].optional:
                found = f"task {name!r}, which is not optional"
                yield Fault(f"{place}.routes[{number}]", found, "optional tasks")
    if entry.within is not None and entry.within not in tasks:
        yield Fault(f"{place}.within", repr(entry.within), "the id of a task")


def _repeated(problem: ScheduleProblem) -> Iterator[Fault]:
    names = (name for entry in problem.alternatives for route in entry.routes for name in route)
    yield from repeated("alternatives", names, "each task at most once")


def _nesting(problem: ScheduleProblem) -> Iterator[Fault]:
    """Look for alternatives that lie within each other."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for entry in problem.alternatives:
        if entry.within is not None:
            graph.add_edges_from((entry.within, name) for route in entry.routes for name in route)
    try:
        names = [edge[0] for edge in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return
    path = " -> ".join([*names, names[0]])
    yield Fault("alternatives", f"cycle {path}", "alternatives that do not contain themselves")


def _mode_rules(problem: ScheduleProblem, tasks: dict[str, Task]) -> Iterator[Fault]:
    for index, rule in enumerate(problem.mode_rules):
        place = f"mode_rules[{index}]"
        for field, name in (("task", rule.task), ("other", rule.other)):
            if name not in tasks:
                yield Fault(f"{place}.{field}", repr(name), "the id of a task")
        if rule.task == rule.other:
            yield Fault(place, f"task {rule.task!r} ruled by itself", "two different tasks")
        if not rule.modes:
            yield Fault(f"{place}.modes", "none", "at least one mode")
        for field, name, modes in (
            ("mode", rule.task, (rule.mode,)),
            ("modes", rule.other, rule.modes),
        ):
            count = len(tasks[name].modes) if name in tasks else None
            for mode in modes:
                if count is not None and mode >= count:
                    yield Fault(f"{place}.{field}", str(mode), f"a mode of task {name!r}")
