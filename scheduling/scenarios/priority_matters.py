"""Packing pods by priority, where the default scheduler leaves pods pending.

"Priority Matters" (arXiv 2511.08373) draws ReplicaSets for clusters of 4 to 32 equal nodes, lets
the default scheduler place them, and hands the clusters in which pods stay pending to CP-SAT. It
counts how often a lexicographically better vector of placed pods by priority is found, and how
often the default is proven best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product

from scheduling.instances.placement.random_clusters import random_cluster, with_running
from scheduling.models.base import Status
from scheduling.models.placement.problem import PlacementProblem
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.driver import solve
from scheduling.solvers.warmup import clock

NODES = (4, 8, 16, 32)
PODS_PER_NODE = (4, 8)
PRIORITIES = (1, 2, 4)
USAGES = (0.90, 0.95, 1.00, 1.05)

SETTLED = "no calls"
CERTIFIED = "default certified"
BETTER = "better"
BEST = "better and optimal"
FAILURE = "failure"

_PUBLISHED = (
    "at 1 s better > 44 %, certified > 19 % (abstract); better 51.7 %, certified 8.8 %, "
    "failures 31.9 % (authors' re-run)"
)
_WINDOW = 1.0
_STRIDE = 37


@dataclass(frozen=True, slots=True)
class Cell:
    """Sizes of a cluster of the grid."""

    nodes: int
    pods_per_node: int
    priorities: int
    usage: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one cluster.

    Attributes
    ----------
    kind
        One of the outcomes named in this module.
    seconds
        From the call to the checked answer.
    evictions, moves
        Running pods that the plan evicts and moves.
    gap
        Of the first open tier; 0 when all is proven.
    """

    cell: Cell
    seed: int
    kind: str
    seconds: float = 0.0
    evictions: int = 0
    moves: int = 0
    gap: float = 0.0


def grid() -> Iterator[Cell]:
    """Yield the cells of the paper's grid."""
    for nodes, density, priorities, usage in product(NODES, PODS_PER_NODE, PRIORITIES, USAGES):
        yield Cell(nodes, density, priorities, usage)


def settled(cell: Cell, seed: int) -> tuple[PlacementProblem, tuple[int, ...]]:
    """Return a cluster after the default scheduler, and how many pods of each priority wait."""
    problem = random_cluster(
        nodes=cell.nodes,
        pods_per_node=cell.pods_per_node,
        priorities=cell.priorities,
        usage=cell.usage,
        seed=seed,
    )
    default = solve(problem, "default-scheduler", work_limit=1)
    placed = {entry.item for entry in default.placements}
    return with_running(problem, default), _unplaced(problem, placed)


def outcome(cell: Cell, seed: int, window: float, workers: int | None = None) -> Outcome:
    """Run one cluster of a cell and say what came of it."""
    problem, before = settled(cell, seed)
    if not any(before):
        return Outcome(cell, seed, SETTLED)
    began = clock()
    answer = solve(problem, time_limit=window, workers=workers)
    seconds = clock() - began
    placed = {entry.item: entry.node for entry in answer.placements}
    after = _unplaced(problem, set(placed))
    proven = all(tier.closed for tier in answer.tiers[: len(before)])
    if after < before:
        kind = BEST if answer.status is Status.OPTIMAL else BETTER
    else:
        kind = CERTIFIED if proven and after == before else FAILURE
    running = [item for item in problem.items if item.node is not None]
    return Outcome(
        cell,
        seed,
        kind,
        seconds,
        evictions=sum(item.id not in placed for item in running),
        moves=sum(placed.get(item.id, item.node) != item.node for item in running),
        gap=answer.gap or 0.0,
    )


def _unplaced(problem: PlacementProblem, placed: set[str]) -> tuple[int, ...]:
    counts = Counter(item.priority for item in problem.items if item.id not in placed)
    return tuple(counts[priority] for priority in problem.priorities)


def run(limits: Run) -> list[Row]:
    """Run as many seeds of every cell as the time allows, a second for each cluster.

    At least one cluster with pending pods is run.
    """
    found: list[Outcome] = []
    cells = list(grid())
    # A stride without common divisor visits cells of all sizes early.
    order = [cells[(number * _STRIDE) % len(cells)] for number in range(len(cells))]
    pending = False
    for cell, seed in ((cell, seed) for seed in count() for cell in order):
        found.append(outcome(cell, seed, _WINDOW))
        pending = pending or found[-1].kind != SETTLED
        if pending and limits.left <= _WINDOW:
            break
    return rows(found, _WINDOW)


def rows(found: Sequence[Outcome], window: float) -> list[Row]:
    """Sum up outcomes as rows of a scenario.

    The baseline is the share in which the default scheduler's own placement is proven best.
    """
    called = [entry for entry in found if entry.kind != SETTLED]
    if not called:
        return []
    share = {
        kind: 100 * sum(entry.kind == kind for entry in called) / len(called)
        for kind in (BEST, BETTER, CERTIFIED, FAILURE)
    }
    good = share[BEST] + share[BETTER] + share[CERTIFIED]
    better = [entry for entry in called if entry.kind in (BEST, BETTER)]
    case = f"{len(called)} clusters with pending pods of {len(found)}, {window:g} s each"
    disturbed = (
        f"{sum(e.evictions for e in better)} evictions, {sum(e.moves for e in better)} moves"
    )
    return [
        Row(
            case=case,
            measure="better or certified, % of the clusters with pending pods",
            baseline="default scheduler, certified",
            baseline_value=share[CERTIFIED],
            method="auto",
            value=good,
            gap=max(entry.gap for entry in called),
            published=_PUBLISHED,
            verdict=f"better {share[BEST] + share[BETTER]:.0f} %, {share[BEST]:.0f} % proven best, "
            f"default certified {share[CERTIFIED]:.0f} %, neither {share[FAILURE]:.0f} %; "
            f"{disturbed} in {len(better)} better plans",
        )
    ]


SCENARIO = Scenario(
    name="priority-matters",
    system="Priority Matters: pod packing by priority with constraint programming (2511.08373)",
    problem="pods on nodes by priority",
    wants="nothing: clusters of the published generator",
    run=run,
    targets=(
        Target(
            ("better or certified",),
            of="value",
            at_least=60.5,
            at_most=63,
            better="more",
            otherwise="solved on fewer and slower processors",
        ),
    ),
)
