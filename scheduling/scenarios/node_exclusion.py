"""Excluding nodes after failures, after a report on 504 GPUs in operation.

The report (63 nodes of eight B200 each) is known here by its abstract: the three worst nodes took
more than half of all exclusions, failed runs are retried, and nodes are excluded after failures.
Here nodes have drawn hazard rates, a few of them bad; a training run needs a number of nodes and
ends when one of them fails. A policy excludes a node after k failures, or runs on the nodes whose
rates it estimates to be least, and of equal nodes any by lot; who knows all rates chooses the nodes
of least hazard, which is a placement problem with a cost for each node in use. Leaving out the
three worst of all nodes, known afterwards, stands beside: it gains 1 / (1 - their share).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_NODES = 63
_NEEDED = 56
_BAD = 3
_BAD_SHARE = 0.55
_MEAN_BETWEEN = 10.0
_RUNS = 2000
_WARM = 200
_SEEDS = 5
_UNIT = 10**6
_PRIOR = 2.0
"""Failures that an estimate counts before the first, at the rate of all nodes."""

_ESTIMATED = "estimated rates"

Floats = NDArray[np.float64]


def hazards(rng: np.random.Generator) -> Floats:
    """Draw failures per hour of each node: three nodes have more than half of them."""
    rates = rng.lognormal(0.0, 0.5, _NODES)
    bad = rng.choice(_NODES, _BAD, replace=False)
    rates[bad] *= _BAD_SHARE / (1.0 - _BAD_SHARE) * np.delete(rates, bad).sum() / rates[bad].sum()
    found: Floats = rates / rates.sum() / _MEAN_BETWEEN
    return found


def best_nodes(rates: Floats) -> PlacementSolution:
    """Choose the nodes of least hazard for one run, with proof."""
    nodes = tuple(
        Node(id=f"node-{number}", capacity={"gpu": 8}, cost=round(_UNIT * rate))
        for number, rate in enumerate(rates.tolist())
    )
    items = tuple(Item(id=f"rank-{number}", demands={"gpu": 8}) for number in range(_NEEDED))
    problem = PlacementProblem(nodes=nodes, items=items, goals=("cost",))
    answer: PlacementSolution = solve(problem, work_limit=5, workers=1)
    return answer


def mean_session(rates: Floats, after: int | None, rng: np.random.Generator) -> float:
    """Mean hours between failures when nodes are excluded after so many failures of theirs.

    A run uses the nodes with the fewest failures so far among those not excluded, of equal ones any
    by lot; while too few are left, the excluded ones with the fewest failures come back. The first
    runs are not counted.
    """
    failures: Counter[int] = Counter()
    hours = 0.0
    for number in range(_RUNS):
        chosen = _chosen(failures, after, rng)
        session = float(rng.exponential(1.0 / rates[chosen].sum()))
        failed = int(rng.choice(chosen, p=rates[chosen] / rates[chosen].sum()))
        failures[failed] += 1
        if number >= _WARM:
            hours += session
    return hours / (_RUNS - _WARM)


def estimated_session(rates: Floats, rng: np.random.Generator) -> float:
    """Mean hours between failures on the nodes of least estimated rates.

    A node's rate is estimated by its failures over the hours it has run, both with those of two
    failures at the mean rate of all nodes added (the mean of a Gamma law behind a Gamma prior). The
    first runs are not counted.
    """
    failures, run = np.zeros(_NODES), np.zeros(_NODES)
    hours = 0.0
    for number in range(_RUNS):
        mean = failures.sum() / run.sum() if number else 1.0
        estimates = (failures + _PRIOR) / (run + _PRIOR / mean)
        chosen = np.argsort(estimates, kind="stable")[:_NEEDED]
        session = float(rng.exponential(1.0 / rates[chosen].sum()))
        failures[int(rng.choice(chosen, p=rates[chosen] / rates[chosen].sum()))] += 1
        run[chosen] += session
        if number >= _WARM:
            hours += session
    return hours / (_RUNS - _WARM)


def all_but_worst(rates: Floats, left_out: int, rng: np.random.Generator) -> float:
    """Mean hours between failures of runs on all nodes but so many of the worst."""
    chosen = np.sort(rates)[: len(rates) - left_out]
    return float(rng.exponential(1.0 / chosen.sum(), _RUNS).mean())


def _chosen(failures: Counter[int], after: int | None, rng: np.random.Generator) -> Sequence[int]:
    drawn: list[int] = rng.permutation(_NODES).tolist()
    if after is not None:
        # Failures below the threshold do not count: the node may have been unlucky.
        drawn.sort(key=lambda node: failures[node] // after)
    return drawn[:_NEEDED]


def run(limits: Run) -> list[Row]:
    """Simulate policies on drawn clusters beside the choice of who knows the rates."""
    policies: dict[str, int | None] = {"never": None, "after 3 failures": 3, "after 1 failure": 1}
    totals = dict.fromkeys([*policies, _ESTIMATED], 0.0)
    whole = without = 0.0
    known = published = 0.0
    done = 0
    for seed in limits.each(range(_SEEDS)):
        done += 1
        rates = hazards(np.random.default_rng(seed))
        for name, after in policies.items():
            totals[name] += mean_session(rates, after, np.random.default_rng(seed))
        totals[_ESTIMATED] += estimated_session(rates, np.random.default_rng(seed))
        whole += all_but_worst(rates, 0, np.random.default_rng(seed))
        without += all_but_worst(rates, _BAD, np.random.default_rng(seed + _SEEDS))
        answer = best_nodes(rates)
        known += _UNIT / float(answer.tiers[-1].bound or 1)
        worst = np.sort(rates)[-_BAD:].sum() / rates.sum()
        published += 1.0 / (1.0 - worst)
    rows = [
        _row(name, totals[name] / done, totals["never"] / done, known / done, published / done)
        for name in totals
    ]
    rows.append(_worst_row(without / done, whole / done, published / done))
    return [replace(row, case=f"{row.case}; {done} of {_SEEDS} clusters") for row in rows]


def _worst_row(without: float, whole: float, share: float) -> Row:
    return Row(
        case=f"all {_NODES} nodes, the worst {_BAD} with over half of the failures",
        measure="mean hours between failures of a run",
        baseline="all nodes",
        baseline_value=whole,
        method=f"without the worst {_BAD}, known afterwards",
        value=without,
        gap=None,
        published="three nodes had over 50 % of the exclusions (abstract)",
        verdict=f"by formula {share:.2f} times",
    )


def _row(name: str, hours: float, base: float, known: float, share: float) -> Row:
    return Row(
        case=f"{_NEEDED} of {_NODES} nodes, the worst {_BAD} with over half of the failures",
        measure="mean hours between failures of a run",
        baseline="never exclude",
        baseline_value=base,
        method=f"exclude {'by ' if name == _ESTIMATED else ''}{name}",
        value=hours,
        gap=max(0.0, 1.0 - hours / known),
        published="three nodes had over 50 % of the exclusions (abstract)",
        verdict=f"{hours / base:.2f} times; leaving out the worst three gives {share:.2f} times, "
        f"knowing all rates {known / base:.2f} times",
    )


SCENARIO = Scenario(
    name="node-exclusion",
    system="operations of 504 GPUs: nodes excluded after failures (abstract)",
    problem="leave out failing nodes or retry, under hazard rates",
    wants="nothing: drawn hazard rates",
    run=run,
    targets=(
        Target(
            ("estimated rates",),
            at_least=2,
            otherwise="knowing all rates gains little more on these clusters",
        ),
        Target(("known afterwards",), at_least=2),
        Target(("estimated rates",), of="gap", at_most=0.05),
    ),
)
