"""Random task graphs on heterogeneous machines, and streams of jobs for a system on a chip."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scheduling.instances.schedule.assemble import machines, task_graph
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
    base = rng.uniform(0, 2 * mean, tasks)
    spread = rng.uniform(1 - beta / 2, 1 + beta / 2, (tasks, processors))
    cost = np.maximum(1, np.rint(base[:, None] * spread)).astype(int).tolist()
    arcs = _arcs(rng, _levels(rng, tasks, alpha), degree)
    volumes = np.rint(rng.uniform(0, 2 * ccr * mean, len(arcs))).astype(int).tolist()
    edges = [(i, j, comm) for (i, j), comm in zip(arcs, volumes, strict=True)]
    name = f"task graph {tasks} on {processors} seed {seed}"
    return ScheduleProblem.model_validate({"name": name, **task_graph(cost, edges)})


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
    releases = np.rint(np.cumsum([0.0, *rng.exponential(gap, jobs - 1)])).astype(int).tolist()
    rows: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for number, release in enumerate(releases, start=1):
        tasks = [
            {
                "id": f"J{number}.{position}",
                "modes": [
                    {"duration": duration, "machine": f"M{machine}"}
                    for machine, duration in enumerate(row, start=1)
                ],
            }
            for position, row in enumerate(TOPCUOGLU_COST, start=1)
        ]
        rows.append({"id": f"J{number}", "release": release, "tasks": tasks})
        links += [
            {"before": f"J{number}.{i + 1}", "after": f"J{number}.{j + 1}", "transfer": comm}
            for i, j, comm in TOPCUOGLU_EDGES
        ]
    return ScheduleProblem.model_validate(
        {
            "name": f"SoC stream of {jobs} jobs seed {seed}",
            "resources": machines(len(TOPCUOGLU_COST[0])),
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
