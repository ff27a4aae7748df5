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
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_CASES = ((16, 12, 8), (32, 24, 16), (32, 40, 12))
"""Leaves, flows of each, spines."""

_SEEDS = 20


def run(limits: Run) -> list[Row]:
    """Split as few flows as spraying's congestion needs, beside paths by lot."""
    del limits
    return [_row(*case) for case in _CASES]


def _row(leaves: int, degree: int, spines: int) -> Row:
    problem = leaf_flows(leaves=leaves, degree=degree, spines=spines, seed=1)
    worst, count = solve(problem, "few-splits", work_limit=1).tiers
    hashed = (solve(problem, "ecmp", work_limit=1, seed=seed) for seed in range(_SEEDS))
    return Row(
        case=f"{leaves} leaves, {degree} flows of each, {spines} spines",
        measure="flows on the most loaded link",
        baseline=f"paths by lot, mean of {_SEEDS}",
        baseline_value=fmean(answer.tiers[0].objective for answer in hashed),
        method=f"single paths, {count.objective / leaves:g} splits of a leaf",
        value=worst.objective,
        gap=worst.gap,
        published="single paths reach the congestion of spraying with few splits",
        verdict="these splits are the fewest" if count.closed else f"at least {count.bound} splits",
    )


SCENARIO = Scenario(
    name="spray",
    system="Packet spraying against single-path transport (known by its abstract)",
    problem="flows split over the paths of a network",
    wants="nothing: seeded collectives",
    run=run,
    targets=(
        Target(("most loaded link",), at_most=1 / 1.2),
        Target(("most loaded link",), of="gap", at_most=1e-9),
    ),
)
