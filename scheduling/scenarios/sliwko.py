"""Intelligent load balancing (Sliwko): overloaded nodes are relieved by cheap migrations.

The study is known here by its abstract: tasks with several resources run on a cluster, moving one
costs its migration, and no node may be overloaded in the end. A centralised metaheuristic and
agents compete. Here the least total cost is found with a bound: each task wishes to stay where it
runs, with the cost of its migration as the weight of the wish. On small clusters the least cost is
proven, and the metaheuristic, a search of large neighbourhoods, is measured by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.base import Status, relative_gap
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodePreference, NodeTerm
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_SEEDS = 4
_LARGE, _SMALL = (24, 144), (10, 50)
"""Nodes and tasks."""

_RESOURCES = ("cpu", "memory", "network")
_USAGE = 0.85
_LEAST_SECONDS = 3.0
_SEARCH_WORK = 0.5
_SMALL_SHARE = 0.4
_LARGEST_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tasks with demands and migration costs on nodes, some of them overloaded."""

    demands: tuple[tuple[int, ...], ...]
    costs: tuple[int, ...]
    now: tuple[int, ...]
    room: tuple[int, ...]
    nodes: int

    def loads(self, where: list[int]) -> list[list[int]]:
        """Use of each resource on each node."""
        table = [[0] * len(_RESOURCES) for _ in range(self.nodes)]
        for demands, node in zip(self.demands, where, strict=True):
            for index, need in enumerate(demands):
                table[node][index] += need
        return table

    def overloaded(self, load: list[int]) -> bool:
        """Whether a node with this load is overloaded."""
        return any(used > room for used, room in zip(load, self.room, strict=True))


def cluster(seed: int, size: tuple[int, int] = _LARGE) -> Cluster:
    """Draw tasks, put them on random nodes, and size nodes so that all fit with some room."""
    nodes, tasks = size
    rng = np.random.default_rng(seed)
    demands = rng.integers(5, 100, (tasks, len(_RESOURCES)))
    # Live migration copies the memory, and again what is written meanwhile.
    costs = np.clip(demands[:, 1] * rng.uniform(0.5, 1.0, tasks), 1, _LARGEST_WEIGHT)
    return Cluster(
        demands=tuple(map(tuple, demands.tolist())),
        costs=tuple(costs.astype(int).tolist()),
        now=tuple(rng.integers(0, nodes, tasks).tolist()),
        room=tuple(np.ceil(demands.sum(axis=0) / nodes / _USAGE).astype(int).tolist()),
        nodes=nodes,
    )


def relief(found: Cluster) -> PlacementProblem:
    """State the relief of all nodes at least cost."""
    items = tuple(
        Item(
            id=f"task-{number}",
            demands=dict(zip(_RESOURCES, demands, strict=True)),
            preferences=(NodePreference(weight=cost, term=NodeTerm(nodes=(f"node-{node}",))),),
        )
        for number, (demands, cost, node) in enumerate(
            zip(found.demands, found.costs, found.now, strict=True)
        )
    )
    room = dict(zip(_RESOURCES, found.room, strict=True))
    nodes = tuple(Node(id=f"node-{number}", capacity=room) for number in range(found.nodes))
    return PlacementProblem(nodes=nodes, items=items, goals=("preferences",))


def agents(found: Cluster) -> list[int] | None:
    """Let each overloaded node in turn hand its cheapest tasks to the node with the most room.

    Returns
    -------
    list of int or None
        The node of each task; ``None`` when one stays overloaded.
    """
    where = list(found.now)
    for node in range(found.nodes):
        mine = [task for task, there in enumerate(where) if there == node]
        mine.sort(key=lambda task: found.costs[task])
        for task in mine:
            loads = found.loads(where)
            if not found.overloaded(loads[node]):
                break
            target = _roomiest(found, loads, task)
            if target is not None:
                where[task] = target
    if any(found.overloaded(load) for load in found.loads(where)):
        return None
    return where


def cost_of(found: Cluster, where: list[int]) -> int:
    """Cost of the migrations that bring the tasks there."""
    moved = zip(found.costs, where, found.now, strict=True)
    return sum(cost for cost, there, here in moved if there != here)


def placed(where: list[int]) -> PlacementSolution:
    """Return tasks on their nodes as an answer to :func:`relief`."""
    placements = tuple(
        Placement(item=f"task-{task}", node=f"node-{node}") for task, node in enumerate(where)
    )
    return PlacementSolution(status=Status.UNKNOWN, placements=placements)


def _roomiest(found: Cluster, loads: list[list[int]], task: int) -> int | None:
    """Return the node that the task leaves the least loaded, if any has room for it."""
    best: tuple[float, int] | None = None
    for node, load in enumerate(loads):
        after = [used + need for used, need in zip(load, found.demands[task], strict=True)]
        if not found.overloaded(after):
            share = max(used / room for used, room in zip(after, found.room, strict=True))
            best = min(best or (share, node), (share, node))
    return None if best is None else best[1]


def run(limits: Run) -> list[Row]:
    """Relieve small clusters with proof, and large ones by agents and by ``auto``."""
    return [*_small_rows(Run(_SMALL_SHARE * limits.left)), *_large_rows(limits)]


def _small_rows(limits: Run) -> list[Row]:
    searched = least = bound = relieved = 0
    for seed in range(_SEEDS):
        problem = relief(cluster(seed, _SMALL))
        share = max(_LEAST_SECONDS, limits.share(_SEEDS - seed).seconds) / 2
        best: PlacementSolution = solve(problem, time_limit=share)
        answer: PlacementSolution = solve(
            problem, "lns", time_limit=share, work_limit=_SEARCH_WORK, workers=1
        )
        searched += int(answer.tiers[-1].objective or 0)
        least += int(best.tiers[-1].objective or 0)
        bound += int(best.tiers[-1].bound or 0)
        # What leaves a task out has not relieved the nodes.
        relieved += len(answer.placements) == len(problem.items)
    return [
        Row(
            case=f"{_SEEDS} clusters of {_SMALL[0]} nodes and {_SMALL[1]} tasks",
            measure="cost of the migrations that relieve all nodes",
            baseline="least" if least == bound else "least found, not proven",
            baseline_value=least / _SEEDS,
            method=f"search of large neighbourhoods, {_SMALL[0]} nodes",
            value=searched / _SEEDS,
            gap=relative_gap(searched, bound) if relieved == _SEEDS else None,
            published="the problem and its simulator (abstract); no figure to compare with",
            verdict=f"all tasks run and no node is overloaded on {relieved} of {_SEEDS}",
        )
    ]


def _large_rows(limits: Run) -> list[Row]:
    by_agents: list[int] = []
    least: list[int] = []
    bounds: list[int] = []
    stuck = 0
    for seed in range(_SEEDS):
        if least and limits.left <= 0:
            break
        found = cluster(seed)
        where = agents(found)
        share = max(_LEAST_SECONDS, limits.left / (_SEEDS - seed))
        start = None if where is None else placed(where)
        answer: PlacementSolution = solve(relief(found), time_limit=share, hint=start)
        stuck += where is None
        if where is not None:
            by_agents.append(cost_of(found, where))
            least.append(int(answer.tiers[-1].objective or 0))
            bounds.append(int(answer.tiers[-1].bound or 0))
    if not least:
        return []
    return [
        Row(
            case=f"{len(least)} of {_SEEDS} clusters of {_LARGE[0]} nodes and {_LARGE[1]} tasks",
            measure="cost of the migrations that relieve all nodes",
            baseline="each overloaded node hands over its cheapest tasks",
            baseline_value=sum(by_agents) / len(by_agents),
            method="auto",
            value=sum(least) / len(least),
            gap=1.0 - sum(bounds) / sum(least) if any(least) else 0.0,
            published="the problem and its simulator (abstract); no figure to compare with",
            verdict=f"on {stuck} further clusters the baseline leaves a node overloaded",
        )
    ]


SCENARIO = Scenario(
    name="sliwko",
    system="Intelligent Load Balancing: migrations with costs (Sliwko; abstract)",
    problem="load balance with costs of migration",
    wants="nothing: drawn clusters",
    run=run,
    targets=(
        Target(("large neighbourhoods",), of="gap", at_most=1 - 1 / 1.1),
        Target(("^auto$",), at_most=1),
    ),
)
