"""Random task graphs on heterogeneous machines, and streams of jobs for a system on a chip."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scheduling.instances.schedule.assemble import task_graph
from scheduling.instances.schedule.random_shops import check_count
from scheduling.models.schedule.problem import ScheduleProblem

Edge = tuple[int, int, int]

TOPCUOGLU_COST = (
    (14, 16, 9),
    (13, 19, 18),
    (11, 13, 19),
    (13, 8, 17),
    (12, 13, 10),
    (13, 16, 9),
    (7, 15, 11),
    (5, 11, 14),
    (18, 12, 20),
    (21, 7, 16),
)
"""Cost of each task on each of three processors in the example of Topcuoglu, Hariri, Wu (2002)."""

TOPCUOGLU_EDGES: tuple[Edge, ...] = (
    *((0, 1, 18), (0, 2, 12), (0, 3, 9), (0, 4, 11), (0, 5, 14), (1, 7, 19), (1, 8, 16)),
    *((2, 6, 23), (3, 7, 27), (3, 8, 23), (4, 8, 13), (5, 7, 15), (6, 9, 17), (7, 9, 11)),
    (8, 9, 13),
)
"""Edges of that example: before, after, communication."""


def random_task_graph(
    *,
    tasks: int = 40,
    processors: int = 4,
    alpha: float = 1.0,
    ccr: float = 1.0,
    beta: float = 0.5,
    degree: int = 3,
    mean: int = 50,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a random task graph on heterogeneous processors (Topcuoglu, Hariri, Wu, 2002).

    The tasks lie in about sqrt(v) / alpha levels of mean width sqrt(v) alpha, between one first and
    one last task. A task's mean cost is uniform on 0 … 2 ``mean``, its costs within half of
    ``beta`` around it, and an edge's communication uniform with mean ``ccr`` times ``mean``.

    Parameters
    ----------
    tasks, processors
        Size, v and q.
    alpha
        Shape: small is long with little parallelism, large is short and wide.
    ccr
        Ratio of communication to computation.
    beta
        Range of the costs over processors, 0 (equal) to 2.
    degree
        Most successors that a task draws; those left without predecessor get one more.
    mean
        Mean cost of a task.
    seed
        Seed of the random numbers.
    """
    check_count("tasks", f"{tasks} x {processors} modes", tasks * processors)
    rng = np.random.default_rng(seed)
    graph = _random_graph(rng, tasks, processors, alpha, ccr, beta, degree, mean)
    name = f"task graph {tasks} on {processors} seed {seed}"
    return ScheduleProblem.model_validate({"name": name, **graph})


def _random_graph(
    rng: np.random.Generator,
    tasks: int,
    processors: int,
    alpha: float,
    ccr: float,
    beta: float,
    degree: int,
    mean: int,
) -> dict[str, Any]:
    """Draw the fields of one graph; parameters as of :func:`random_task_graph`."""
    base = rng.uniform(0, 2 * mean, tasks)
    spread = rng.uniform(1 - beta / 2, 1 + beta / 2, (tasks, processors))
    cost = np.maximum(1, np.rint(base[:, None] * spread)).astype(int).tolist()
    arcs = _arcs(rng, _levels(rng, tasks, alpha), degree)
    volumes = np.rint(rng.uniform(0, 2 * ccr * mean, len(arcs))).astype(int).tolist()
    edges = [(i, j, comm) for (i, j), comm in zip(arcs, volumes, strict=True)]
    return task_graph(cost, edges)


def soc_stream(*, jobs: int = 10, gap: float = 50.0, seed: int = 0) -> ScheduleProblem:
    """Generate a stream of jobs for a system on a chip, each the 10-task example of HEFT.

    As in the simulator DS3 (Arda and others, 2020) and DeepSoCS (Sung and others, 2020): jobs come
    with exponential gaps from time 0 on, and the total time between coming and completion is
    minimised.

    Parameters
    ----------
    jobs
        Number of jobs.
    gap
        Mean time between two jobs.
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    graph = task_graph(TOPCUOGLU_COST, TOPCUOGLU_EDGES)
    return _stream(f"SoC stream of {jobs} jobs seed {seed}", [graph] * jobs, gap, rng)


def graph_stream(
    *,
    jobs: int = 10,
    tasks: int = 12,
    processors: int = 4,
    ccr: float = 1.0,
    beta: float = 1.0,
    mean: int = 20,
    gap: float = 100.0,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a stream of random task graphs for heterogeneous processors.

    Each job is a graph of :func:`random_task_graph` of its own; jobs come with exponential gaps
    from time 0 on, and the total time between coming and completion is minimised.

    Parameters
    ----------
    jobs
        Number of jobs.
    tasks, processors, ccr, beta, mean
        Of each graph, see :func:`random_task_graph`.
    gap
        Mean time between two jobs.
    seed
        Seed of the random numbers.
    """
    check_count("jobs", f"{jobs} x {tasks} x {processors} modes", jobs * tasks * processors)
    rng = np.random.default_rng(seed)
    graphs = [_random_graph(rng, tasks, processors, 1.0, ccr, beta, 3, mean) for _ in range(jobs)]
    return _stream(f"stream of {jobs} task graphs seed {seed}", graphs, gap, rng)


def _stream(
    name: str, graphs: list[dict[str, Any]], gap: float, rng: np.random.Generator
) -> ScheduleProblem:
    """Put graphs, one a job, on the machines of the first; they come with exponential gaps."""
    gaps = rng.exponential(gap, len(graphs) - 1)
    releases = np.rint(np.cumsum([0.0, *gaps])).astype(int).tolist()
    rows: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for number, (graph, release) in enumerate(zip(graphs, releases, strict=True), start=1):
        (inner,) = graph["jobs"]
        names = {task["id"]: f"J{number}.{k}" for k, task in enumerate(inner["tasks"], start=1)}
        tasks = [{**task, "id": names[task["id"]]} for task in inner["tasks"]]
        rows.append({"id": f"J{number}", "release": release, "tasks": tasks})
        links += [
            {**link, "before": names[link["before"]], "after": names[link["after"]]}
            for link in graph["precedences"]
        ]
    return ScheduleProblem.model_validate(
        {
            "name": name,
            "resources": graphs[0]["resources"],
            "jobs": rows,
            "precedences": links,
            "objective": "total_flow",
        }
    )


def _levels(rng: np.random.Generator, tasks: int, alpha: float) -> list[list[int]]:
    """Spread the tasks over levels; the first and last hold one task."""
    inner = tasks - 2
    if inner < 1:
        return [[task] for task in range(tasks)]
    height = min(inner, max(1, round(math.sqrt(tasks) / alpha) - 2))
    extra = np.sort(rng.integers(0, height, inner - height)).tolist()
    place = np.sort([*range(height), *extra]).tolist()
    levels: list[list[int]] = [[] for _ in range(height)]
    for task, level in enumerate(place, start=1):
        levels[level].append(task)
    return [[0], *levels, [tasks - 1]]


def _arcs(rng: np.random.Generator, levels: list[list[int]], degree: int) -> list[tuple[int, int]]:
    """Tie the levels: every task but the last has a successor, all but the first a predecessor."""
    arcs: set[tuple[int, int]] = set()
    for number, level in enumerate(levels[:-1]):
        later = [task for row in levels[number + 1 :] for task in row]
        near = levels[number + 1]
        for task in level:
            count = min(len(later), int(rng.integers(1, degree, endpoint=True)))
            arcs.update((task, other) for other in rng.choice(later, count, replace=False).tolist())
        for task in near:
            if not any(j == task for _, j in arcs):
                arcs.add((int(rng.choice(level)), task))
    return sorted(arcs)
