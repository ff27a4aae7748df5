"""Faults of a scheduling problem that no single field shows: references, cycles, windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import lcm
from typing import TYPE_CHECKING

import networkx as nx

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.schedule.objective import DUE_MEASURES
from scheduling.models.schedule.validation_choices import choice_faults
from scheduling.models.schedule.validation_groups import group_faults

if TYPE_CHECKING:
    from scheduling.models.schedule.problem import (
        Break,
        Job,
        Machine,
        Mode,
        Renewable,
        Reservoir,
        ScheduleProblem,
        Window,
    )

MAX_PERIOD = 10**12
"""Largest common multiple of all periods: a million tasks that wait as long stay below 2**63."""

MAX_PATTERN = 100_000
"""Most windows that the calendars of one mode may have together in their common period."""


def find_faults(problem: ScheduleProblem) -> list[Fault]:
    """Return every fault of ``problem`` with its place, in the order of the document."""
    return [
        *_duplicates(problem),
        *_calendars(problem),
        *_resources(problem),
        *_jobs(problem),
        *_precedences(problem),
        *_machine_names(problem),
        *choice_faults(problem),
        *group_faults(problem),
        *_objective(problem),
    ]


def _duplicates(problem: ScheduleProblem) -> Iterator[Fault]:
    groups: dict[str, Iterable[str]] = {
        "resources": (resource.id for resource in problem.resources),
        "calendars": (calendar.id for calendar in problem.calendars),
        "jobs": (job.id for job in problem.jobs),
        "tasks": (task.id for task in problem.tasks),
    }
    for place, ids in groups.items():
        yield from repeated(place, ids)


def _calendars(problem: ScheduleProblem) -> Iterator[Fault]:
    for index, calendar in enumerate(problem.calendars):
        place = f"calendars[{index}]"
        yield from _in_order(f"{place}.breaks", calendar.breaks)
        yield from _in_order(f"{place}.periodic", calendar.periodic)
        if calendar.period == 0:
            yield Fault(f"{place}.period", "0", "at least 1")
        if calendar.periodic and calendar.period is None:
            yield Fault(f"{place}.period", "none", "a period for the periodic windows")
        elif calendar.period is not None and calendar.periodic:
            last = calendar.periodic[-1].end
            if last > calendar.period:
                found = f"a window that ends at {last}"
                yield Fault(f"{place}.periodic", found, f"an end of at most {calendar.period}")
    yield from _patterns(problem)


def _in_order(place: str, windows: Sequence[Break | Window]) -> Iterator[Fault]:
    last_end = 0
    for position, rest in enumerate(windows):
        where = f"{place}[{position}]"
        if rest.end <= rest.start:
            yield Fault(where, f"[{rest.start}, {rest.end})", "an end after the start")
        if rest.start < last_end:
            yield Fault(where, f"start {rest.start}", f"a start of at least {last_end} (sorted)")
        last_end = max(last_end, rest.end)


def _patterns(problem: ScheduleProblem) -> Iterator[Fault]:
    """Yield faults of periods that do not go together: their common multiple says it all."""
    shifts = {c.id: c for c in problem.calendars if c.periodic and c.period}
    common = lcm(*(c.period or 1 for c in shifts.values()))
    if common > MAX_PERIOD:
        found = f"least common multiple of all periods {common}"
        yield Fault("calendars", found, f"at most {MAX_PERIOD}")
        return
    calendar = {
        resource.id: shifts[resource.calendar]
        for resource in problem.resources
        if resource.type in ("machine", "pool", "renewable") and resource.calendar in shifts
    }
    seen: set[frozenset[str]] = set()
    for task in problem.tasks if calendar else ():
        for mode in task.modes:
            names = [name for name, amount in mode.demands.items() if amount and name in calendar]
            names += [mode.machine] if mode.machine in calendar else []
            used = {calendar[name].id: calendar[name] for name in names}
            key = frozenset(used)
            if key in seen:
                continue
            seen.add(key)
            period = lcm(*(c.period or 1 for c in used.values()))
            count = sum(len(c.periodic) * (period // (c.period or 1)) for c in used.values())
            if count > MAX_PATTERN:
                found = f"calendars {sorted(used)} of task {task.id!r}: {count} windows together"
                yield Fault("calendars", found, f"at most {MAX_PATTERN} in their common period")


def _resources(problem: ScheduleProblem) -> Iterator[Fault]:
    calendars = {calendar.id for calendar in problem.calendars}
    for index, resource in enumerate(problem.resources):
        place = f"resources[{index}]"
        stock = resource.type in ("consumable", "reservoir")
        calendar = None if stock else resource.calendar  # type: ignore[union-attr]
        if calendar is not None and calendar not in calendars:
            yield Fault(f"{place}.calendar", repr(calendar), "the id of a calendar")
        if resource.type == "renewable":
            yield from _steps(place, resource)
        if resource.type == "machine":
            yield from _setups(place, resource)
        if resource.type == "reservoir":
            yield from _levels(place, resource)


def _steps(place: str, resource: Renewable) -> Iterator[Fault]:
    last = 0
    for position, step in enumerate(resource.steps):
        if step.start <= last:
            where = f"{place}.steps[{position}].start"
            yield Fault(where, str(step.start), f"a start above {last}")
        last = step.start


def _setups(place: str, machine: Machine) -> Iterator[Fault]:
    pairs = ((setup.before, setup.after) for setup in machine.setups)
    yield from repeated(f"{place}.setups", pairs, "each pair of states once", _way)


def _way(pair: tuple[str | None, str]) -> str:
    return f"{pair[0]!r} to {pair[1]!r}"


def _levels(place: str, reservoir: Reservoir) -> Iterator[Fault]:
    if reservoir.maximum is not None and reservoir.initial > reservoir.maximum:
        found = f"initial {reservoir.initial}"
        yield Fault(f"{place}.initial", found, f"at most the maximum {reservoir.maximum}")


def _jobs(problem: ScheduleProblem) -> Iterator[Fault]:
    if not problem.jobs:
        yield Fault("jobs", "none", "at least one job")
    types: dict[str, str] = {resource.id: resource.type for resource in problem.resources}
    for index, job in enumerate(problem.jobs):
        place = f"jobs[{index}]"
        if not job.tasks:
            yield Fault(f"{place}.tasks", "none", "at least one task")
        if job.deadline is not None and job.deadline < job.release:
            yield Fault(place, f"deadline {job.deadline}", f"at least the release {job.release}")
        yield from _chain_rules(place, job, paid=bool(problem.transports))
        for position, task in enumerate(job.tasks):
            where = f"{place}.tasks[{position}]"
            if not task.modes:
                yield Fault(f"{where}.modes", "none", "at least one mode")
            if task.deadline is not None and task.deadline < task.release:
                expected = f"at least the release {task.release}"
                yield Fault(where, f"deadline {task.deadline}", expected)
            yield from _in_order(f"{where}.windows", task.windows)
            for number, mode in enumerate(task.modes):
                yield from _mode(f"{where}.modes[{number}]", mode, types)


def _chain_rules(place: str, job: Job, *, paid: bool) -> Iterator[Fault]:
    for name in ("no_wait", "blocking"):
        if getattr(job, name) and not job.chain:
            yield Fault(f"{place}.{name}", "a job without chain", "chain: true")
    if paid and (job.no_wait or job.blocking):
        kind = "no_wait" if job.no_wait else "blocking"
        yield Fault(f"{place}.{kind}", "transports in the problem", "no transports")
    if job.blocking and any(m.machine is None for task in job.tasks for m in task.modes):
        yield Fault(f"{place}.blocking", "a mode without machine", "a machine in every mode")
    if job.same_mode and len({len(task.modes) for task in job.tasks}) > 1:
        found = "tasks with different numbers of modes"
        yield Fault(f"{place}.same_mode", found, "as many modes in each task")


def _mode(place: str, mode: Mode, types: dict[str, str]) -> Iterator[Fault]:
    if mode.machine is not None and types.get(mode.machine) not in ("machine", "pool"):
        yield Fault(f"{place}.machine", repr(mode.machine), "the id of a machine or a pool")
    for name in mode.demands:
        kind = types.get(name)
        if kind in (None, "machine", "pool"):
            expected = "the id of a renewable, consumable or reservoir"
            yield Fault(f"{place}.demands", repr(name), expected)
    for name in mode.supplies:
        if types.get(name) != "reservoir":
            yield Fault(f"{place}.supplies", repr(name), "the id of a reservoir")


def _precedences(problem: ScheduleProblem) -> Iterator[Fault]:
    tasks = {task.id for task in problem.tasks}
    optional = {task.id for task in problem.tasks if task.optional}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for index, link in enumerate(problem.precedences):
        place = f"precedences[{index}]"
        ends = link.before, link.after
        missing = [name for name in ends if name not in tasks]
        for name in missing:
            yield Fault(place, repr(name), "the id of a task")
        if link.before == link.after:
            yield Fault(place, f"task {link.before!r} related to itself", "two different tasks")
        elif link.min_lag is None and link.max_lag is None:
            yield Fault(place, "no lag", "a min_lag, a max_lag or both")
        elif None not in (link.min_lag, link.max_lag) and link.min_lag > link.max_lag:  # type: ignore[operator]
            yield Fault(place, f"min_lag {link.min_lag}", f"at most max_lag {link.max_lag}")
        elif link.transfer and (link.kind != "end-start" or link.min_lag is None):
            expected = "an end-start precedence with a min_lag"
            yield Fault(f"{place}.transfer", f"transfer {link.transfer}", expected)
        elif not missing and _orders(link.kind, link.min_lag) and not optional & {*ends}:
            graph.add_edge(link.before, link.after)
    yield from _cycle(problem, graph)


def _orders(kind: str, min_lag: int | None) -> bool:
    return kind == "end-start" and min_lag is not None and min_lag >= 0


def _cycle(problem: ScheduleProblem, graph: nx.DiGraph[str]) -> Iterator[Fault]:
    if not graph:
        return
    for job in problem.jobs:
        if job.chain:
            nx.add_path(graph, [task.id for task in job.tasks if not task.optional])
    try:
        names = [edge[0] for edge in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return
    path = " -> ".join([*names, names[0]])
    yield Fault("precedences", f"cycle {path}", "precedences without a cycle")


def _machine_names(problem: ScheduleProblem) -> Iterator[Fault]:
    machines = {resource.id for resource in problem.resources if resource.type == "machine"}
    for index, entry in enumerate(problem.transports):
        for field, name in (("origin", entry.origin), ("destination", entry.destination)):
            if name not in machines:
                yield Fault(f"transports[{index}].{field}", repr(name), "the id of a machine")
    pairs = ((entry.origin, entry.destination) for entry in problem.transports)
    yield from repeated("transports", pairs, "each pair of machines once", _way)
    for index, group in enumerate(problem.same_order):
        yield from _order_group(problem, f"same_order[{index}]", group, machines)


def _order_group(
    problem: ScheduleProblem, place: str, group: tuple[str, ...], machines: set[str]
) -> Iterator[Fault]:
    for name in group:
        if name not in machines:
            yield Fault(place, repr(name), "the id of a machine")
    for job in problem.jobs:
        for name in group:
            visits = sum(any(m.machine == name for m in task.modes) for task in job.tasks)
            if visits > 1:
                found = f"job {job.id!r} {visits} times on {name!r}"
                yield Fault(place, found, "each job at most once on each machine")


def _objective(problem: ScheduleProblem) -> Iterator[Fault]:
    if not problem.objective.tiers:
        yield Fault("objective.tiers", "none", "at least one tier")
    due = any(job.due is not None for job in problem.jobs)
    for index, tier in enumerate(problem.objective.tiers):
        place = f"objective.tiers[{index}].terms"
        if not tier.terms:
            yield Fault(place, "none", "at least one term")
        measures = [term.measure for term in tier.terms]
        yield from repeated(place, measures)
        for measure in dict.fromkeys(measures):
            if measure in DUE_MEASURES and not due:
                yield Fault(place, measure, "at least one job with a due date")
