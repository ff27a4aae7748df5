"""The critical path of a schedule: why it is as long as it is.

An arc leads from task i to task j when j starts as early as i lets it: i precedes j by a relation
that is tight, or i hands over units of a resource without which j could not have started earlier.
Breaks do not loosen an arc: j may start later than i allows when every start in between would
run into a time at which one of j's resources is closed. On machines with setups or blocking jobs
the arc goes from the neighbour before, after its setup, or from the task whose start freed the
machine; at a reservoir from the tasks that fill it at the moment j takes what was not there.

A task is critical when a chain of such arcs leads from it to a task that ends at the makespan:
without breaks these are the tasks with zero slack in the graph of precedences and resource
successions (Kelley & Walker, "Critical-path planning and scheduling", 1959; for machines Roy &
Sussmann's disjunctive graph, 1964).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    MACHINE,
    NEVER,
    RESERVOIR,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.worktime import Run
from scheduling.report.schedule.occupation import held_until, machine_order, setup_time
from scheduling.report.schedule.placement import Placement
from scheduling.report.schedule.usage import (
    Use,
    level,
    reservoir_level,
    reservoir_users,
    usage_steps,
)

_END = "end"

Node = int | str | tuple[int, int]
"""A task, the end of the schedule, or the release of units ``(resource, moment)``."""


class CriticalPath(NamedTuple):
    """Critical tasks and one path through them, from the earliest to one that ends last."""

    tasks: frozenset[int]
    path: tuple[int, ...]


def critical_path(
    arrays: ScheduleArrays, placement: Placement, uses: list[list[Use]]
) -> CriticalPath:
    """Find the critical tasks of a schedule and the path with the fewest tasks through them."""
    tasks = placement.tasks
    if not tasks:
        return CriticalPath(frozenset(), ())
    graph: nx.DiGraph[Node] = nx.DiGraph()
    graph.add_nodes_from(tasks)
    idle_since = _latest_other_starts(arrays, placement)
    _add_precedences(graph, arrays, placement, idle_since)
    held = held_until(arrays, placement)
    direct = _direct_machines(arrays, placement, uses, held)
    others = [[] if number in direct else users for number, users in enumerate(uses)]
    _add_successions(graph, placement, others, idle_since, arrays)
    for machine in direct:
        order = machine_order(uses[machine], placement, held)
        _add_neighbours(graph, arrays, placement, (machine, order), idle_since, held)
    for resource in range(arrays.n_resources):
        if arrays.resource_type[resource] == RESERVOIR:
            _add_refills(graph, arrays, placement, resource)
    last = max(int(placement.end[task]) for task in tasks)
    graph.add_edges_from((task, _END) for task in tasks if placement.end[task] == last)
    critical = frozenset(node for node in nx.ancestors(graph, _END) if isinstance(node, int))
    first = min(critical, key=lambda task: (int(placement.start[task]), task))
    nodes = nx.shortest_path(graph, first, _END)
    return CriticalPath(critical, tuple(node for node in nodes if isinstance(node, int)))


def _latest_other_starts(arrays: ScheduleArrays, placement: Placement) -> dict[int, int]:
    """For each task the latest earlier start that its resources' opening times allow, or -1."""
    cache: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def closed(resource: int, amount: int) -> list[tuple[int, int]]:
        if (resource, amount) not in cache:
            cache[resource, amount] = _closed_times(arrays.steps(resource), amount)
        return cache[resource, amount]

    found = {}
    for task in placement.tasks:
        mode = int(placement.mode[task])
        needs = [(r, a) for r, a in arrays.demands(mode) if not arrays.constant(r)]
        machine = int(arrays.machine[mode])
        if machine >= 0 and not arrays.constant(machine):
            needs.append((machine, 1))
        start = int(placement.start[task])
        duration = int(placement.end[task]) - start
        closures = [closed(resource, amount) for resource, amount in needs]
        run = arrays.runs[mode]
        found[task] = _open_start_before(start, duration, closures, run) if duration else start - 1
    return found


def _closed_times(steps: list[tuple[int, int]], amount: int) -> list[tuple[int, int]]:
    ends = [time for time, _ in steps[1:]] + [NEVER]
    closed: list[tuple[int, int]] = []
    for (start, capacity), end in zip(steps, ends, strict=True):
        if capacity < amount:
            joins = bool(closed) and closed[-1][1] == start
            closed.append((closed.pop()[0] if joins else start, end))
    return closed


def _open_start_before(
    start: int, duration: int, closures: list[list[tuple[int, int]]], run: Run | None
) -> int:
    at = start - 1
    moved = True
    while moved and at >= 0:
        moved = False
        if run is not None:
            opening = run.last_start(at)
            if opening is None:
                return -1
            at, duration = opening, (run.finish(opening) or opening) - opening
        for closed in closures:
            number = bisect_left(closed, (at + duration, 0)) - 1
            if number >= 0 and closed[number][1] > at:
                at = closed[number][0] - duration
                moved = True
    return max(at, -1)


def _add_precedences(
    graph: nx.DiGraph[Node],
    arrays: ScheduleArrays,
    placement: Placement,
    idle_since: dict[int, int],
) -> None:
    start, end = placement.start.tolist(), placement.end.tolist()

    def link(before: int, after: int, earliest: int) -> None:
        if idle_since[after] < earliest <= start[after]:
            graph.add_edge(before, after)

    rows = zip(
        arrays.link_before.tolist(),
        arrays.link_after.tolist(),
        arrays.link_kind.tolist(),
        (arrays.link_min + _moves(arrays, placement)).tolist(),
        arrays.link_max.tolist(),
        strict=True,
    )
    for i, j, kind, low, high in rows:
        if not (placement.placed[i] and placement.placed[j]):
            continue
        x = end[i] if kind in (END_START, END_END) else start[i]
        y = end[j] if kind in (END_END, START_END) else start[j]
        if low > -NEVER:
            link(i, j, x + low - (y - start[j]))
        if high < NEVER:
            link(j, i, y - high - (x - start[i]))


def _add_successions(
    graph: nx.DiGraph[Node],
    placement: Placement,
    uses: list[list[Use]],
    idle_since: dict[int, int],
    arrays: ScheduleArrays,
) -> None:
    """Join tasks that end with those that wait for their units, by one node per moment."""
    for resource, users in enumerate(uses):
        if arrays.resource_type[resource] in (CONSUMABLE, RESERVOIR):
            continue
        lasting = [use for use in users if placement.end[use.task] > placement.start[use.task]]
        usage = usage_steps(lasting, placement)
        capacity = tuple(arrays.steps(resource))
        releases: dict[int, list[int]] = {}
        for use in lasting:
            releases.setdefault(int(placement.end[use.task]), []).append(use.task)
        moments = sorted(releases)
        for use in lasting:
            low = bisect_right(moments, idle_since[use.task])
            high = bisect_right(moments, int(placement.start[use.task]))
            for moment in moments[low:high]:
                taken = level(usage, moment - 1)
                if taken + use.amount > level(capacity, moment - 1):
                    hub = (resource, moment)
                    if hub not in graph:
                        graph.add_edges_from((task, hub) for task in releases[moment])
                    graph.add_edge(hub, use.task)


def _moves(arrays: ScheduleArrays, placement: Placement) -> Ints:
    """Time between the machines of the two tasks of each link: its transfer or a transport."""
    machine = arrays.site[placement.mode]
    origin, target = machine[arrays.link_before], machine[arrays.link_after]
    moves: Ints = np.where(origin != target, arrays.link_transfer, 0)
    if arrays.transport.size:
        paid = arrays.chained & (origin >= 0) & (target >= 0)
        moves[paid] += arrays.transport[origin[paid], target[paid]]
    return moves


def _direct_machines(
    arrays: ScheduleArrays, placement: Placement, uses: list[list[Use]], held: Ints
) -> list[int]:
    """Machines on which a task waits for its neighbour's setup, or for it to leave."""
    return [
        resource
        for resource, users in enumerate(uses)
        if arrays.resource_type[resource] == MACHINE
        and (
            resource in arrays.setups
            or any(held[use.task] > placement.end[use.task] for use in users)
        )
    ]


def _add_neighbours(
    graph: nx.DiGraph[Node],
    arrays: ScheduleArrays,
    placement: Placement,
    served: tuple[int, list[int]],
    idle_since: dict[int, int],
    held: Ints,
) -> None:
    """Join neighbours of a machine, given with its tasks in order."""
    machine, order = served
    for before, after in pairwise(order):
        setup = setup_time(arrays, placement, machine, before, after)
        earliest = int(held[before]) + setup
        if idle_since[after] < earliest <= placement.start[after]:
            # A job that kept the machine left it by starting its next task.
            left = before + 1 if held[before] > placement.end[before] else before
            graph.add_edge(left, after)


def _add_refills(
    graph: nx.DiGraph[Node], arrays: ScheduleArrays, placement: Placement, resource: int
) -> None:
    """Join tasks that fill a reservoir with those that take the units at the same moment."""
    levels = reservoir_level(arrays, resource, placement)
    given: dict[int, list[tuple[int, int]]] = {}
    takers: dict[int, list[int]] = {}
    for task, taken, put in reservoir_users(arrays, resource, placement):
        if taken:
            takers.setdefault(int(placement.start[task]), []).append(task)
        if put:
            given.setdefault(int(placement.end[task]), []).append((task, put))
    for moment, tasks in takers.items():
        arrived = given.get(moment, [])
        if level(levels, moment) < sum(put for _, put in arrived):
            graph.add_edges_from((source, task) for source, _ in arrived for task in tasks)
