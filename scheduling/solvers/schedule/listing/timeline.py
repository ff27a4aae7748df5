"""Placing tasks one by one: ready times, and the earliest gap on a machine."""

from __future__ import annotations

from bisect import bisect_right, insort

from scheduling.solvers.schedule.listing.graph import TaskGraph


class Timeline:
    """A partial schedule of a task graph that grows task by task.

    Attributes
    ----------
    start, end : per task, -1 while not placed.
    machine : per task, the machine that it was given, -1 while not placed.
    """

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        n = len(graph.cost)
        self.start, self.end, self.machine = [-1] * n, [-1] * n, [-1] * n
        self._busy: dict[int, list[tuple[int, int]]] = {machine: [] for machine in graph.machines}

    def earliest(self, task: int, machine: int) -> int:
        """Return the earliest start on a machine, in a gap between tasks if it fits there.

        All predecessors must have been placed. A task without duration takes no room.
        """
        graph = self.graph
        ready = graph.release[task]
        for edge in graph.before[task]:
            move = edge.transfer if self.machine[edge.task] != machine else 0
            ready = max(ready, self.end[edge.task] + edge.lag + move)
        duration = graph.cost[task][machine]
        if not duration:
            return ready
        busy = self._busy[machine]
        for begin, end in busy[max(0, bisect_right(busy, (ready,)) - 1) :]:
            if ready + duration <= begin:
                break
            ready = max(ready, end)
        return ready

    def place(self, task: int, machine: int, start: int) -> None:
        """Fix a task."""
        duration = self.graph.cost[task][machine]
        self.start[task], self.end[task] = start, start + duration
        self.machine[task] = machine
        if duration:
            insort(self._busy[machine], (start, start + duration))
