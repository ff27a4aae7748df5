"""Intelligent load balancing (Sliwko): overloaded nodes are relieved by cheap migrations.

The study is known here by its abstract: tasks with several resources run on a cluster, moving one
costs its migration, and no node may be overloaded in the end. A centralised metaheuristic and
agents compete. Here the least total cost is found with a bound: each task wishes to stay where it
runs, with the cost of its migration as the weight of the wish.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.base import Status
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import NodePreference, NodeTerm
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_SEEDS = 4
_NODES = 24
_TASKS = 144
_RESOURCES = ("cpu", "memory", "network")
_USAGE = 0.85
_LEAST_SECONDS = 3.0
_LARGEST_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tasks with demands and migration costs on nodes, some of them overloaded."""

    demands: tuple[tuple[int, ...], ...]
    costs: tuple[int, ...]
    now: tuple[int, ...]
    room: tuple[int, ...]

    def loads(self, where: list[int]) -> list[list[int]]:
        """Use of each resource on each node."""
        table = [[0] * len(_RESOURCES) for _ in range(_NODES)]
        for demands, node in zip(self.demands, where, strict=True):
            for index, need in enumerate(demands):
                table[node][index] += need
        return table

    def overloaded(self, load: list[int]) -> bool:
        """Whether a node with this load is overloaded."""
        return any(used > room for used, room in zip(load, self.room, strict=True))


def cluster(seed: int) -> Cluster:
    """Draw tasks, put them on random nodes, and size nodes so that all fit with some room."""
    rng = np.random.default_rng(seed)
    demands = rng.integers(5, 100, (_TASKS, len(_RESOURCES)))
    # Live migration copies the memory, and again what is written meanwhile.
    costs = np.clip(demands[:, 1] * rng.uniform(0.5, 1.0, _TASKS), 1, _LARGEST_WEIGHT)
    return Cluster(
        demands=tuple(map(tuple, demands.tolist())),
        costs=tuple(costs.astype(int).tolist()),
        now=tuple(rng.integers(0, _NODES, _TASKS).tolist()),
        room=tuple(np.ceil(demands.sum(axis=0) / _NODES / _USAGE).astype(int).tolist()),
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
    nodes = tuple(Node(id=f"node-{number}", capacity=room) for number in range(_NODES))
    return PlacementProblem(nodes=nodes, items=items, goals=("preferences",))


def agents(found: Cluster) -> list[int] | None:
    """Let each overloaded node in turn hand its cheapest tasks to the node with the most room.

    Returns
    -------
    list of int or None
        The node of each task; ``None`` when one stays overloaded.
    """
    where = list(found.now)
    for node in range(_NODES):
        mine = sorted(
            (task for task in range(_TASKS) if where[task] == node), key=lambda t: found.costs[t]
        )
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
    """Relieve drawn clusters by agents and by ``auto``."""
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
            case=f"{len(least)} clusters of {_NODES} nodes and {_TASKS} tasks",
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
        Target(("cost of the migrations",), at_most=1),
        Target(("cost of the migrations",), of="gap", at_most=1 - 1 / 1.1),
    ),
)
