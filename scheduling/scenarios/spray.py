"""Packet spraying against single paths on leaf and spine: least congestion with few splits.

Known by its abstract: the flows of a collective start together and are equally long; spraying every
packet over all m spines loads every link with ``d / m`` of the d flows of a leaf, and single paths
do as well when a few flows are split: a problem of kind ``leaf-spine``. No leaf splits more than
``m - gcd(d, m)`` flows, which are the fewest of all.

Inferred: collectives are sums of random permutations of the leaves, all flows equally long.
"""

from __future__ import annotations

from statistics import fmean

from scheduling.instances.network.random_networks import leaf_flows
from scheduling.models.base import relative_gap
from scheduling.models.network.spines import (
    congestion,
    least_congestion,
    splits,
    splits_bound,
)
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.network.spray import few_splits, hashed

_CASES = ((16, 12, 8), (32, 24, 16), (32, 40, 12))
"""Leaves, flows of each, spines."""

_SEEDS = 20


def run(limits: Run) -> list[Row]:
    """Split as few flows as spraying's congestion needs, beside paths by lot."""
    del limits
    return [_row(*case) for case in _CASES]


def _row(leaves: int, degree: int, spines: int) -> Row:
    problem = leaf_flows(leaves=leaves, degree=degree, spines=spines, seed=1)
    parts, ideal = few_splits(problem), least_congestion(problem)
    worst, count, fewest = congestion(problem, parts), splits(parts), splits_bound(problem)
    return Row(
        case=f"{leaves} leaves, {degree} flows of each, {spines} spines",
        measure="flows on the most loaded link",
        baseline=f"paths by lot, mean of {_SEEDS}",
        baseline_value=fmean(congestion(problem, hashed(problem, seed)) for seed in range(_SEEDS)),
        method=f"single paths, {count / leaves:g} splits of a leaf",
        value=worst,
        gap=relative_gap(worst, ideal),
        published="single paths reach the congestion of spraying with few splits",
        verdict="these splits are the fewest" if count == fewest else f"at least {fewest} splits",
    )


SCENARIO = Scenario(
    name="spray",
    system="Packet spraying against single-path transport (known by its abstract)",
    problem="flows split over the paths of a network",
    wants="nothing: seeded collectives",
    run=run,
    targets=(Target(("most loaded link",), at_most=1),),
)
