"""The part of the checker that looks at resources: machines, renewables, stocks, reservoirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from scheduling.models.base import Violation
from scheduling.models.schedule.problem import (
    Consumable,
    Job,
    Machine,
    Mode,
    Pool,
    Renewable,
    Reservoir,
    ScheduleProblem,
    Task,
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A task with the mode and the times that a solution gives it.

    ``held`` is when it leaves its machine: its end, or later in a blocking job.
    """

    job: Job
    task: Task
    index: int
    mode: Mode
    start: int
    end: int
    held: int


def resource_violations(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Yield every overload, overlap, missing setup and level out of range."""
    yield from _machines(problem, placed)
    yield from _renewables(problem, placed)
    yield from _pools(problem, placed)
    yield from _disjunctions(problem, placed)
    yield from _consumables(problem, placed)
    yield from _reservoirs(problem, placed)


def _machines(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    users: dict[str, list[Placed]] = {}
    for item in placed.values():
        if item.mode.machine is not None and item.held > item.start:
            users.setdefault(item.mode.machine, []).append(item)
    for resource in problem.resources:
        if isinstance(resource, Machine):
            mine = sorted(users.get(resource.id, []), key=lambda item: (item.start, item.held))
            if resource.batch is None:
                yield from _sharing(resource.id, mine)
            else:
                yield from _batches(resource.id, resource.batch, mine)
            yield from _setups(resource, mine)
            if resource.no_idle:
                yield from _pauses(resource, mine)


def _sharing(machine: str, users: list[Placed]) -> Iterator[Violation]:
    latest: Placed | None = None
    for item in users:
        if latest is not None and latest.held > item.start:
            where = f"{machine!r}: {latest.task.id!r} and {item.task.id!r}"
            yield Violation("machine", where, latest.held - item.start, "time units")
        if latest is None or item.held > latest.held:
            latest = item


def _batches(machine: str, room: int, users: list[Placed]) -> Iterator[Violation]:
    """Yield batches that are too large, and overlaps of tasks that are no batch."""
    loads: dict[int, int] = {}
    latest: Placed | None = None
    for item in users:
        loads[item.start] = loads.get(item.start, 0) + item.mode.size
        if latest is not None and item.start < latest.end:
            kinds = [
                (one.start, one.end, one.mode.state, one.mode.duration) for one in (latest, item)
            ]
            if kinds[0] != kinds[1]:
                where = f"{machine!r}: {latest.task.id!r} and {item.task.id!r}"
                yield Violation("batch", where, latest.end - item.start, "time units")
        if latest is None or item.end > latest.end:
            latest = item
    for start, load in loads.items():
        if load > room:
            yield Violation("batch", f"{machine!r} at {start}", load - room, "units")


def _setups(machine: Machine, users: list[Placed]) -> Iterator[Violation]:
    times = {(entry.before, entry.after): entry.time for entry in machine.setups}
    if not times or not users:
        return
    first = users[0]
    initial = times.get((None, first.mode.state), 0) if first.mode.state else 0
    if first.start < initial:
        where = f"{machine.id!r}: before {first.task.id!r}"
        yield Violation("setup", where, initial - first.start, "time units")
    for before, after in pairwise(users):
        if before.mode.state is None or after.mode.state is None:
            continue
        need = before.held + times.get((before.mode.state, after.mode.state), 0)
        if before.held <= after.start < need:
            where = f"{machine.id!r}: from {before.task.id!r} to {after.task.id!r}"
            yield Violation("setup", where, need - after.start, "time units")


def _pauses(machine: Machine, users: list[Placed]) -> Iterator[Violation]:
    """Yield every time between two tasks in which the machine neither runs nor is set up."""
    times = {(entry.before, entry.after): entry.time for entry in machine.setups}
    for before, after in pairwise(users):
        known = before.mode.state is not None and after.mode.state is not None
        setup = times.get((before.mode.state, after.mode.state or ""), 0) if known else 0
        idle = after.start - before.held - setup
        if idle > 0:
            where = f"{machine.id!r}: between {before.task.id!r} and {after.task.id!r}"
            yield Violation("no idle", where, idle, "time units")


def _renewables(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for resource in problem.resources:
        if not isinstance(resource, Renewable):
            continue
        users = [
            item
            for item in placed.values()
            if item.mode.demands.get(resource.id, 0) > 0 and item.end > item.start
        ]
        yield from _overload(resource, users)


def _overload(resource: Renewable, users: list[Placed]) -> Iterator[Violation]:
    events: list[tuple[int, int, int]] = [(0, 0, resource.capacity)]
    events += [(step.start, 0, step.capacity) for step in resource.steps]
    for item in users:
        amount = item.mode.demands[resource.id]
        events.append((item.start, 1, amount))
        events.append((item.end, 1, -amount))
    events.sort()
    capacity, usage, position = 0, 0, 0
    while position < len(events):
        now = events[position][0]
        while position < len(events) and events[position][0] == now:
            _, change, value = events[position]
            if change:
                usage += value
            else:
                capacity = value
            position += 1
        if usage > capacity:
            yield Violation("capacity", f"{resource.id!r} at {now}", usage - capacity, "units")


def _pools(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for resource in problem.resources:
        if not isinstance(resource, Pool):
            continue
        users = [
            item
            for item in placed.values()
            if item.mode.machine == resource.id and item.end > item.start
        ]
        users.sort(key=lambda item: item.start)
        ends: list[int] = []
        for item in users:
            while ends and ends[0] <= item.start:
                heappop(ends)
            heappush(ends, item.end)
            if len(ends) > resource.count:
                where = f"{resource.id!r} at {item.start}"
                yield Violation("pool", where, len(ends) - resource.count, "machines")


def _disjunctions(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for group in problem.disjunctions:
        members = [placed[name] for name in group if name in placed]
        running = [item for item in members if item.end > item.start]
        running.sort(key=lambda item: item.start)
        last: Placed | None = None
        for item in running:
            if last is not None and item.start < last.end:
                where = f"{last.task.id!r} and {item.task.id!r}"
                yield Violation("disjunction", where, last.end - item.start, "time units")
            if last is None or item.end > last.end:
                last = item


def _consumables(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for resource in problem.resources:
        if isinstance(resource, Consumable):
            used = sum(item.mode.demands.get(resource.id, 0) for item in placed.values())
            if used > resource.capacity:
                where = repr(resource.id)
                yield Violation("consumable", where, used - resource.capacity, "units")


def _reservoirs(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    for resource in problem.resources:
        if not isinstance(resource, Reservoir):
            continue
        changes: dict[int, int] = {}
        for item in placed.values():
            taken = item.mode.demands.get(resource.id, 0)
            given = item.mode.supplies.get(resource.id, 0)
            changes[item.start] = changes.get(item.start, 0) - taken
            changes[item.end] = changes.get(item.end, 0) + given
        level = resource.initial
        for moment in sorted(changes):
            level += changes[moment]
            where = f"{resource.id!r} at {moment}"
            if level < 0:
                yield Violation("reservoir", f"{where}, empty", -level, "units")
            if resource.maximum is not None and level > resource.maximum:
                yield Violation("reservoir", f"{where}, full", level - resource.maximum, "units")
