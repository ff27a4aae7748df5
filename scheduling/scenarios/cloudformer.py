"""CloudFormer: placing virtual machines by how much they slow each other down.

The system predicts the slowdown of a machine beside others from its measured behaviour and is known
here by its abstract. Its use is placement: with the factors given, all machines are placed so that
the degradation of all pairs on one host, in per mille of the victim's speed, sums up to the least.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.measures import Interference
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import Selector
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_SEEDS = 4
_HOSTS = 8
_MACHINES = 28
_CORES = (2, 4, 8)
_ROOM = 24
_LEAST_SECONDS = 1.0

PRESSURE = {
    "compute": {"cpu": 9, "cache": 3, "memory": 1, "disk": 0, "network": 0},
    "cache": {"cpu": 4, "cache": 9, "memory": 4, "disk": 0, "network": 0},
    "stream": {"cpu": 3, "cache": 5, "memory": 9, "disk": 1, "network": 1},
    "database": {"cpu": 3, "cache": 4, "memory": 4, "disk": 8, "network": 3},
    "web": {"cpu": 3, "cache": 2, "memory": 2, "disk": 1, "network": 8},
}
"""How much each kind of machine uses of what hosts share, from 0 to 9."""


def degradation(victim: str, neighbour: str) -> int:
    """Per mille of its speed that a kind loses beside another: what both use of each part."""
    return sum(PRESSURE[victim][part] * PRESSURE[neighbour][part] for part in PRESSURE[victim])


def machines(seed: int, *, aware: bool) -> PlacementProblem:
    """Draw machines of all kinds for equal hosts; blind to interference, or aware of it."""
    rng = np.random.default_rng(seed)
    items = []
    for number in range(_MACHINES):
        kind = str(rng.choice(list(PRESSURE)))
        cores = int(rng.choice(_CORES))
        items.append(Item(id=f"vm-{number:02d}", demands={"cores": cores}, labels={"kind": kind}))
    nodes = tuple(Node(id=f"host-{number}", capacity={"cores": _ROOM}) for number in range(_HOSTS))
    rules = tuple(
        Interference(
            victim=Selector(match={"kind": one}),
            neighbour=Selector(match={"kind": other}),
            degradation=degradation(one, other),
        )
        for one in PRESSURE
        for other in PRESSURE
        if degradation(one, other)
    )
    problem = PlacementProblem(nodes=nodes, items=tuple(items), goals=("interference",))
    return problem.model_copy(update={"interference": rules} if aware else {"goals": ()})


def lost(problem: PlacementProblem, answer: PlacementSolution) -> int:
    """Sum of what all machines lose under a placement."""
    kind = {item.id: item.labels["kind"] for item in problem.items}
    hosts: dict[str, list[str]] = {}
    for entry in answer.placements:
        hosts.setdefault(entry.node, []).append(kind[entry.item])
    return sum(
        degradation(one, other)
        for there in hosts.values()
        for index, one in enumerate(there)
        for place, other in enumerate(there)
        if index != place
    )


def run(limits: Run) -> list[Row]:
    """Place machines by the default scheduler's rule, and by the least interference."""
    spread = best = bound = done = missing = 0
    for seed in range(_SEEDS):
        if done and limits.left <= 0:
            break
        blind = machines(seed, aware=False)
        rule: PlacementSolution = solve(blind, "default-scheduler", work_limit=1)
        share = max(_LEAST_SECONDS, limits.left / (_SEEDS - seed))
        answer: PlacementSolution = solve(machines(seed, aware=True), time_limit=share)
        spread += lost(blind, rule)
        missing += len(blind.items) - len(rule.placements)
        best += int(answer.tiers[-1].objective or 0)
        bound += int(answer.tiers[-1].bound or 0)
        done += 1
    return [
        Row(
            case=f"{_MACHINES} machines on {_HOSTS} hosts, {done} of {_SEEDS} draws",
            measure="speed lost by all machines, mean of the sums in per mille",
            baseline="default scheduler",
            baseline_value=spread / done,
            method="auto, factors known",
            value=best / done,
            gap=1.0 - bound / best if best else 0.0,
            published="predicts the slowdown of machines; no placement figure (abstract)",
            verdict=f"{1 - best / spread:.0%} less, with all machines placed; the default leaves "
            f"{missing} out",
        )
    ]


SCENARIO = Scenario(
    name="cloudformer",
    system="CloudFormer: placement with predicted interference (abstract)",
    problem="machines placed with their interference",
    wants="nothing: drawn machines",
    run=run,
    targets=(Target(("speed lost",), at_most=1),),
)
