"""The solvers ``heft``, ``cpop`` and ``peft``: one pass over the tasks by rank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

import numpy as np

from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.listing.graph import TaskGraph, graph_refusal, task_graph
from scheduling.solvers.schedule.listing.ranks import (
    downward_ranks,
    optimistic_costs,
    upward_ranks,
)
from scheduling.solvers.schedule.listing.timeline import Timeline

_PATIENCE = 256
"""Tasks between two looks at the board."""

Choice = Callable[[Timeline, int], tuple[int, int]]
"""Takes a partial schedule and a task; returns the machine and the start that it gets."""


class ListScheduling(NeedsNothing, ABC):
    """Takes ready tasks by rank and puts each where a rule says, in a gap if it fits there.

    Takes problems whose tasks run on machines only, tied by end-start precedences with transfers.
    It is one pass: a unit of work is never used up, and equal input gives equal answers.
    """

    name: str
    summary: str

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no task graph on machines."""
        return graph_refusal(data.arrays)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,  # noqa: ARG002 - the driver stops the board at the deadline
        hint: Candidate | None,  # noqa: ARG002 - the list starts from nothing
    ) -> None:
        """Post one schedule; none when the time is over before it is complete."""
        graph = task_graph(data.arrays)
        priority, choose = self.plan(graph)
        timeline = Timeline(graph)
        for count, task in enumerate(_by_rank(graph, priority)):
            if count % _PATIENCE == 0 and board.stopped:
                return
            machine, start = choose(timeline, task)
            timeline.place(task, machine, start)
        modes = [graph.mode[task][machine] for task, machine in enumerate(timeline.machine)]
        candidate = Candidate(np.array(timeline.start, np.int64), np.array(modes, np.int64))
        board.offer(candidate, data.values(candidate), self.name)

    @abstractmethod
    def plan(self, graph: TaskGraph) -> tuple[list[int], Choice]:
        """Return the rank of each task, highest first, and the rule that places it."""


class Heft(ListScheduling):
    """Heterogeneous earliest finish time (Topcuoglu, Hariri, Wu, 2002), with insertion.

    Tasks by upward rank, each on the machine on which it ends first; smaller numbers win ties.

    Examples
    --------
    >>> import scheduling as sch
    >>> from scheduling.instances.generators import generate
    >>> sch.solve(generate("soc-stream", {"jobs": 1}), "heft").objective
    80
    """

    name = "heft"
    summary = "task graphs: by upward rank, each task where it ends first (HEFT)"

    def plan(self, graph: TaskGraph) -> tuple[list[int], Choice]:
        """Return upward ranks and the earliest end."""
        return upward_ranks(graph), earliest_end


class Cpop(ListScheduling):
    """Critical path on a processor (Topcuoglu, Hariri, Wu, 2002).

    Tasks by the length of the longest way through them; those of one longest way all run on the
    machine that is fastest for them together, the others where they end first.
    """

    name = "cpop"
    summary = "task graphs: the critical path on one machine (CPOP)"

    def plan(self, graph: TaskGraph) -> tuple[list[int], Choice]:
        """Return the lengths of ways and the choice by the critical path."""
        up, down = upward_ranks(graph), downward_ranks(graph)
        priority = [above + below for above, below in zip(up, down, strict=True)]
        path = critical_path(graph, priority)
        chosen = _fastest(graph, path)

        def choose(timeline: Timeline, task: int) -> tuple[int, int]:
            if task in path and chosen is not None:
                return chosen, timeline.earliest(task, chosen)
            return earliest_end(timeline, task)

        return priority, choose


class Peft(ListScheduling):
    """Predict earliest finish time (Arabnejad, Barbosa, 2014).

    Tasks by the mean of their row in the optimistic cost table, each on the machine with the least
    sum of its end and its entry there; smaller numbers win ties.
    """

    name = "peft"
    summary = "task graphs: earliest end plus an optimistic rest (PEFT)"

    def plan(self, graph: TaskGraph) -> tuple[list[int], Choice]:
        """Return the mean optimistic costs and the least optimistic end."""
        table = optimistic_costs(graph)
        ranks = [sum(row.values()) * (graph.scale // len(row)) for row in table]

        def choose(timeline: Timeline, task: int) -> tuple[int, int]:
            starts = {p: timeline.earliest(task, p) for p in graph.cost[task]}
            cost, rest = graph.cost[task], table[task]
            machine = min(starts, key=lambda p: (starts[p] + cost[p] + rest[p], p))
            return machine, starts[machine]

        return ranks, choose


def earliest_end(timeline: Timeline, task: int) -> tuple[int, int]:
    """Return the machine on which a task ends first, and its start there."""
    cost = timeline.graph.cost[task]
    starts = {machine: timeline.earliest(task, machine) for machine in cost}
    machine = min(starts, key=lambda p: (starts[p] + cost[p], p))
    return machine, starts[machine]


def critical_path(graph: TaskGraph, priority: list[int]) -> frozenset[int]:
    """Return the tasks of one longest way, from its first task on, smaller numbers first."""
    entries = [task for task, edges in enumerate(graph.before) if not edges]
    task: int | None = min(entries, key=lambda entry: (-priority[entry], entry))
    length = priority[task] if task is not None else 0
    path = set()
    while task is not None:
        path.add(task)
        on_path = (edge.task for edge in graph.after[task] if priority[edge.task] == length)
        task = min(on_path, default=None)
    return frozenset(path)


def _fastest(graph: TaskGraph, path: frozenset[int]) -> int | None:
    """Return the machine with the least total cost of a path; ``None`` if none can run it all."""
    able = [p for p in graph.machines if all(p in graph.cost[task] for task in path)]
    return min(able, key=lambda p: (sum(graph.cost[task][p] for task in path), p), default=None)


def _by_rank(graph: TaskGraph, priority: list[int]) -> Iterator[int]:
    """Yield the tasks, the highest rank among the ready ones first, smaller numbers on ties."""
    waiting = [len(edges) for edges in graph.before]
    ready = [(-priority[task], task) for task, count in enumerate(waiting) if not count]
    heapify(ready)
    while ready:
        _, task = heappop(ready)
        yield task
        for edge in graph.after[task]:
            waiting[edge.task] -= 1
            if not waiting[edge.task]:
                heappush(ready, (-priority[edge.task], edge.task))
