"""PCCL: the order of ranks in a ring whose links are not equally fast.

A ring all-reduce of B bytes over n ranks takes ``2 (n - 1) / n * B / b`` with b the slowest link
between neighbours: a problem of kind ``ring``. A few ranks take a program over sets; for many,
paths are grown along fast links, and the fastest links that stay connected without any one rank
bound every order.

Inferred: ranks stand in nodes of 8 with NVLink; between nodes bandwidth is drawn, with some links
slow (a shared switch).
"""

from __future__ import annotations

import numpy as np

from scheduling.models.base import relative_gap
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.driver import solve

_BYTES = 1e9
_INSIDE = 400e9
"""Bytes a second between GPUs of one node."""


def bandwidths(ranks: int, in_node: int, seed: int) -> RingProblem:
    """Draw bytes a second between ranks, symmetric."""
    rng = np.random.default_rng(seed)
    drawn = rng.lognormal(np.log(25e9), 0.5, (ranks, ranks))
    slow = rng.random((ranks, ranks)) < 0.4
    drawn[slow] /= 5
    found = np.triu(drawn, 1)
    found += found.T
    node = np.arange(ranks) // in_node
    # Ranks are numbered across nodes, as a scheduler hands them out.
    place = rng.permutation(ranks)
    inside = node[place][:, None] == node[place][None]
    found[inside] = _INSIDE
    return RingProblem(rates=found.tolist())


def run(limits: Run) -> list[Row]:
    """Order ranks of a small and of a large ring."""
    del limits
    return [_row(12, 4), _row(128, 8)]


def _row(ranks: int, in_node: int) -> Row:
    problem = bandwidths(ranks, in_node, seed=1)

    def seconds(rate: float) -> float:
        return 2 * (ranks - 1) / ranks * _BYTES / rate

    answer: RingSolution = solve(problem, work_limit=20, workers=1)
    rate, bound = float(answer.objective or 0), float(answer.bound or 0)
    listed = min(problem.rates[k][(k + 1) % ranks] for k in range(ranks))
    return Row(
        case=f"{ranks} ranks, {in_node} in a node",
        measure="seconds of a ring all-reduce of 1 GB",
        baseline="order of the ranks",
        baseline_value=seconds(listed),
        method="fastest ring",
        value=seconds(rate),
        gap=relative_gap(seconds(rate), seconds(bound)),
        published=None,
        verdict="best possible" if rate == bound else "not proven best",
    )


SCENARIO = Scenario(
    name="pccl",
    system="PCCL: collectives over uneven links (known by its name)",
    problem="order of a ring over uneven links",
    wants="nothing: seeded bandwidths",
    run=run,
    targets=(
        Target(("ring all-reduce",), at_most=1),
        Target(("ring all-reduce",), of="gap", at_most=0),
    ),
)
