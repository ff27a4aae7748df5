"""Task graphs as list scheduling sees them: costs per machine and edges with transfers."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import lcm

import numpy as np

from scheduling.models.schedule.arrays import END_START, NEVER, ScheduleArrays
from scheduling.solvers.schedule.features import TRANSFERS, feature_refusal


@dataclass(frozen=True, slots=True)
class Edge:
    """A neighbour of a task.

    The later one starts at least ``lag`` after the earlier one's end, plus ``transfer`` if the two
    run on different machines.
    """

    task: int
    lag: int
    transfer: int


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """A task graph.

    Attributes
    ----------
    machines : indices of the resources that are machines.
    cost : per task ``{machine: duration}``, machines in the order of the resources; the fastest
        mode counts where several share a machine.
    mode : per task ``{machine: global mode}``.
    release : earliest start of each task.
    before, after : edges from predecessors and to successors, per task.
    order : a topological order in which smaller numbers come first.
    scale : least common multiple of the numbers of machines per task, so that ``scale`` times a
        mean cost is an integer and ranks tie exactly when they are equal.
    """

    machines: tuple[int, ...]
    cost: tuple[dict[int, int], ...]
    mode: tuple[dict[int, int], ...]
    release: tuple[int, ...]
    before: tuple[tuple[Edge, ...], ...]
    after: tuple[tuple[Edge, ...], ...]
    order: tuple[int, ...]
    scale: int

    def mean_cost(self, task: int) -> int:
        """``scale`` times the mean duration of a task over the machines that can run it."""
        cost = self.cost[task]
        return sum(cost.values()) * (self.scale // len(cost))


def graph_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is no task graph on machines; ``None`` when it is one."""
    reasons = {
        "modes without a machine": np.any(arrays.machine < 0),
        "demands beside machines": arrays.demand_amount.size > 0,
        "calendars": not all(
            arrays.constant(int(machine)) for machine in np.unique(arrays.machine) if machine >= 0
        ),
        "deadlines": np.any(arrays.deadline < NEVER),
        "maximal lags": np.any(arrays.link_max < NEVER),
        "precedences other than end-start": np.any(arrays.link_kind != END_START),
        "negative lags": np.any(arrays.link_min < 0),
    }
    missing = [name for name, found in reasons.items() if found]
    if missing:
        return f"takes task graphs on machines only, without {' and '.join(missing)}"
    return feature_refusal(arrays, frozenset({TRANSFERS}))


def task_graph(arrays: ScheduleArrays) -> TaskGraph:
    """Translate a problem that :func:`graph_refusal` lets pass."""
    n = arrays.n_tasks
    cost: list[dict[int, int]] = []
    mode: list[dict[int, int]] = []
    for task in range(n):
        best: dict[int, tuple[int, int]] = {}
        for number in range(int(arrays.mode_ptr[task]), int(arrays.mode_ptr[task + 1])):
            entry = int(arrays.duration[number]), number
            machine = int(arrays.machine[number])
            best[machine] = min(entry, best.get(machine, entry))
        cost.append({machine: best[machine][0] for machine in sorted(best)})
        mode.append({machine: best[machine][1] for machine in sorted(best)})
    before: list[list[Edge]] = [[] for _ in range(n)]
    after: list[list[Edge]] = [[] for _ in range(n)]
    columns = (arrays.link_before, arrays.link_after, arrays.link_min, arrays.link_transfer)
    for u, v, lag, transfer in zip(*(column.tolist() for column in columns), strict=True):
        before[v].append(Edge(u, lag, transfer))
        after[u].append(Edge(v, lag, transfer))
    return TaskGraph(
        machines=tuple(sorted({machine for row in cost for machine in row})),
        cost=tuple(cost),
        mode=tuple(mode),
        release=tuple(arrays.release.tolist()),
        before=tuple(map(tuple, before)),
        after=tuple(map(tuple, after)),
        order=_topological(before, after),
        scale=lcm(*(len(row) for row in cost)),
    )


def _topological(before: list[list[Edge]], after: list[list[Edge]]) -> tuple[int, ...]:
    waiting = [len(edges) for edges in before]
    ready = [task for task, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        task = heappop(ready)
        order.append(task)
        for edge in after[task]:
            waiting[edge.task] -= 1
            if not waiting[edge.task]:
                heappush(ready, edge.task)
    return tuple(order)
