"""Task graphs on heterogeneous processors, as JSON documents.

``heterogeneous``: ``{processors, cost: [task][processor], edges: [[u, v, comm]]}``; the
communication is paid only when u and v run on different processors (Topcuoglu, Hariri, Wu 2002).

``workflow``: ``{runtime_ms, edges_bytes, platform: {speeds, link_bytes_per_s}}``, reduced from
WfCommons instances; the cost is ``max(1, round(runtime_ms / speed))`` and the communication
``round(bytes / link_bytes_per_s * 1000)`` milliseconds, halves to the even number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.instances.documents import located, read_json
from scheduling.instances.schedule.assemble import build, task_graph
from scheduling.instances.schedule.features import demands, require
from scheduling.models.base import Document, Frozen, Many, Name, Problem
from scheduling.models.schedule.problem import MAX_TIME, ScheduleProblem, Task, Time

_HOLDS = frozenset(
    {"machines", "several modes", "parallel tasks in a job", "precedences", "transfers"}
)
_Index = Annotated[int, Field(ge=0)]
_Edge = Annotated[tuple[_Index, _Index, Time], Field(strict=False)]
_Positive = Annotated[float, Field(gt=0, le=10**15, strict=False)]


class HeterogeneousGraph(Document):
    """A task graph with its cost on every processor.

    ``alpha`` (shape), ``ccr`` (communication to computation ratio) and ``beta`` (range of costs)
    only tell how a random graph was made.
    """

    kind: Literal["heterogeneous"]
    name: Name | None = None
    processors: Annotated[int, Field(ge=1, le=10**6)]
    cost: Many[Many[Time]]
    edges: Many[_Edge] = ()
    alpha: float | None = None
    ccr: float | None = None
    beta: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [
            Fault(f"cost[{task}]", f"{len(row)} costs", f"one for each of {self.processors}")
            for task, row in enumerate(self.cost)
            if len(row) != self.processors
        ]
        _refuse([*faults, *_edge_faults("edges", self.edges, len(self.cost))])
        return self


class Platform(Frozen):
    """Relative speeds of the processors and the rate of every link."""

    speeds: Many[_Positive]
    link_bytes_per_s: _Positive


class WorkflowGraph(Document):
    """A workflow trace with the platform that it is planned for."""

    kind: Literal["workflow"]
    name: Name | None = None
    runtime_ms: Many[Time]
    edges_bytes: Many[_Edge] = ()
    platform: Platform

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        speeds = () if self.platform.speeds else (Fault("platform.speeds", "none", "at least one"),)
        _refuse([*speeds, *_edge_faults("edges_bytes", self.edges_bytes, len(self.runtime_ms))])
        return self


def _edge_faults(place: str, edges: Sequence[tuple[int, int, int]], tasks: int) -> list[Fault]:
    faults = []
    if not tasks:
        faults.append(Fault(place, "no tasks", "at least one task"))
    seen = set()
    for number, (before, after, _) in enumerate(edges):
        where = f"{place}[{number}]"
        if max(before, after) >= tasks or before == after:
            expected = f"two different tasks from 0 to {tasks - 1}"
            faults.append(Fault(where, f"{before} -> {after}", expected))
        elif (before, after) in seen:
            faults.append(Fault(where, f"{before} -> {after} again", "each edge once"))
        seen.add((before, after))
    graph: TopologicalSorter[int] = TopologicalSorter()
    for before, after, _ in edges:
        graph.add(after, before)
    try:
        graph.prepare()
    except CycleError as error:
        found = "cycle " + " -> ".join(map(str, error.args[1]))
        faults.append(Fault(place, found, "edges without a cycle"))
    return faults


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise InputError(faults)


def sniff_heterogeneous(text: str) -> bool:
    """Tell whether the text is a JSON document of the kind ``heterogeneous``."""
    return _states(text, "heterogeneous")


def sniff_workflow(text: str) -> bool:
    """Tell whether the text is a JSON document of the kind ``workflow``."""
    return _states(text, "workflow")


def _states(text: str, kind: str) -> bool:
    return re.match(rf'\s*\{{[^\[\]{{}}]*"kind"\s*:\s*"{kind}"', text) is not None


def read_heterogeneous(text: str, source: str | None) -> ScheduleProblem:
    """Read a task graph with costs per processor.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    graph = read_json(HeterogeneousGraph, text, source)
    return build(source, **task_graph(graph.cost, graph.edges))


def read_workflow(text: str, source: str | None) -> ScheduleProblem:
    """Read a workflow with the speeds of its platform, in milliseconds.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    graph = read_json(WorkflowGraph, text, source)
    speeds, rate = graph.platform.speeds, graph.platform.link_bytes_per_s
    cost = [[max(1, round(run / speed)) for speed in speeds] for run in graph.runtime_ms]
    edges = [(u, v, round(size / rate * 1000)) for u, v, size in graph.edges_bytes]
    slow = max([*(max(row) for row in cost), *(comm for _, _, comm in edges)])
    if slow > MAX_TIME:
        with located(text, source):
            found = f"a time of {slow} ms"
            raise InputError.single("platform", found, f"speeds with times of at most {MAX_TIME}")
    return build(source, **task_graph(cost, edges))


def write_heterogeneous(problem: Problem) -> str:
    """Write a task graph with costs per processor; names are replaced by numbers.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    graph = require(problem, "heterogeneous", _HOLDS)
    machines = [resource.id for resource in graph.resources]
    if len(graph.jobs) > 1 or not machines or not all(_fits(t, machines) for t in graph.tasks):
        only = "one job of tasks that may run on every machine"
        text = f"format heterogeneous holds only {only}: write .yaml or .json instead"
        raise UnsupportedError(text)
    tasks = graph.jobs[0].tasks
    index = {task.id: number for number, task in enumerate(tasks)}
    edges = {(index[p.before], index[p.after]): p.transfer for p in graph.precedences}
    if len(edges) < len(graph.precedences):
        text = "format heterogeneous cannot hold two precedences of the same tasks"
        raise UnsupportedError(f"{text}: write .yaml or .json instead")
    if graph.jobs[0].chain:
        edges = {(i, i + 1): 0 for i in range(len(tasks) - 1)} | edges
    rows = ",\n".join(json.dumps([mode.duration for mode in task.modes]) for task in tasks)
    links = ",\n".join(json.dumps([*pair, comm]) for pair, comm in edges.items())
    head = f'"kind": "heterogeneous",\n"processors": {len(machines)}'
    return f'{{{head},\n"cost": [\n{rows}\n],\n"edges": [\n{links}\n]}}\n'


def _fits(task: Task, machines: list[str]) -> bool:
    same = [mode.machine for mode in task.modes] == machines
    return same and not any(demands(mode) for mode in task.modes)


def write_workflow(problem: Problem) -> str:
    """Refuse: run times and speeds cannot be told from costs.

    Raises
    ------
    UnsupportedError
        Always.
    """
    require(problem, "workflow", _HOLDS)
    text = "format workflow cannot hold costs per processor"
    raise UnsupportedError(f"{text} (it has run times and speeds): write heterogeneous instead")
