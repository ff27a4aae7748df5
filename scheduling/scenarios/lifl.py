"""LIFL: aggregation of model updates on serverless functions, placed near each other.

The system is known here by its abstract: aggregators of a tree share memory on one node, so updates
are packed on few nodes and one message leaves each node but the root's. Placing updates on the
fewest nodes is bin packing; its certified optimum stands beside filling rules.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_SEEDS = 10
_NODES = 20
_UPDATES = 60
_CORES = (4, 24)
_MEMORY = (4, 28)
_ROOM = {"cpu": 64, "memory": 64}
_LEAST_SECONDS = 0.5


def updates(seed: int) -> PlacementProblem:
    """Draw updates to aggregate, each with cores and memory, and equal nodes."""
    rng = np.random.default_rng(seed)
    items = tuple(
        Item(
            id=f"update-{number:02d}",
            demands={"cpu": int(rng.integers(*_CORES)), "memory": int(rng.integers(*_MEMORY))},
        )
        for number in range(_UPDATES)
    )
    nodes = tuple(Node(id=f"node-{number:02d}", capacity=_ROOM) for number in range(_NODES))
    return PlacementProblem(name=f"updates seed {seed}", nodes=nodes, items=items, goals=("nodes",))


Choice = Callable[[list[dict[str, int]], dict[str, int]], int]


def fill(problem: PlacementProblem, choose: Choice) -> int:
    """Place updates as they come by a rule, and count the nodes in use."""
    free = [dict(node.capacity) for node in problem.nodes]
    used: set[int] = set()
    for item in problem.items:
        fits = [
            k for k, room in enumerate(free) if all(room[r] >= n for r, n in item.demands.items())
        ]
        pick = fits[choose([free[k] for k in fits], item.demands)]
        used.add(pick)
        for name, need in item.demands.items():
            free[pick][name] -= need
    return len(used)


def least_loaded(rooms: list[dict[str, int]], demands: dict[str, int]) -> int:  # noqa: ARG001
    """Choose the node with the most room, as a spreading load balancer does."""
    return max(range(len(rooms)), key=lambda k: (sum(rooms[k].values()), -k))


def fullest(rooms: list[dict[str, int]], demands: dict[str, int]) -> int:  # noqa: ARG001
    """Choose the node with the least room that still fits, so that one is filled after another."""
    return min(range(len(rooms)), key=lambda k: (sum(rooms[k].values()), k))


def run(limits: Run) -> list[Row]:
    """Place every stream of updates by the rules and by ``auto``."""
    spread = local = best = bound = worst = done = 0
    for seed in range(_SEEDS):
        if done and limits.left <= 0:
            break
        problem = updates(seed)
        share = max(_LEAST_SECONDS, limits.left / (_SEEDS - seed))
        answer: PlacementSolution = solve(problem, time_limit=share)
        nodes, certified = int(answer.tiers[-1].objective or 0), int(answer.tiers[-1].bound or 0)
        filled = fill(problem, fullest)
        spread += fill(problem, least_loaded)
        local += filled
        best += nodes
        bound += certified
        worst = max(worst, filled - certified)
        done += 1
    case = f"{done} of {_SEEDS} streams of {_UPDATES} updates"
    return [
        _row(
            case,
            "locality-aware filling",
            local,
            spread,
            bound,
            done,
            f"at most {worst} nodes above the bound",
        ),
        _row(case, "auto, nothing running yet", best, spread, bound, done, "certified"),
    ]


def _row(
    case: str, method: str, nodes: int, spread: int, bound: int, count: int, verdict: str
) -> Row:
    return Row(
        case=case,
        measure="messages between nodes per round (nodes in use less one)",
        baseline="least loaded node",
        baseline_value=spread / count - 1,
        method=method,
        value=nodes / count - 1,
        gap=1.0 - bound / nodes,
        published="fills a node before opening another (abstract); best fit within one node here",
        verdict=verdict,
    )


SCENARIO = Scenario(
    name="lifl",
    system="LIFL: locality-aware aggregation for federated learning (abstract)",
    problem="updates on nodes, aggregated in a tree",
    wants="nothing: drawn updates",
    run=run,
    targets=(Target(("locality-aware filling",), at_most=1),),
)
