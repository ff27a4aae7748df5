"""Flow time when jobs show one operation after the other.

A job's next operation shows its length when the one before ends (arXiv 2602.12716). Where every
job begins with a test of one length, the rule op-SRPT, shortest rest of the present operation
first, is within twice the least flow time of one who knows all lengths, and no better in the
worst case. Here random jobs of that kind, and jobs of four operations, are played under op-SRPT,
under the shortest known length first, least served first and round robin, and first come first
served. The least flow time is exact, so that each gap is the whole distance from it. The paper's
algorithm for many operations, whose text is not at hand, is not among the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.revealed import (
    RULES,
    RevealedJob,
    flow_time,
    least_flow_time,
    round_robin,
)

COMPETITIVE = 2.0
"""Proven ratio of op-SRPT to the best, where all jobs begin with a test of one length."""

_INSTANCES = 1000
_MOST = 8
_LONGEST = 20
_FOUR = 4
_PUBLISHED = "op-SRPT within 2 times the best under uniform tests, tight (arXiv 2602.12716)"

Jobs = list[RevealedJob]


def tested(rng: np.random.Generator) -> Jobs:
    """Draw jobs that begin with a test of one length."""
    count, test = int(rng.integers(2, _MOST + 1)), int(rng.integers(1, 6))
    releases = np.sort(rng.integers(0, 3 * count, count)).tolist()
    works = rng.integers(1, _LONGEST + 1, count).tolist()
    return [RevealedJob(r, (test, w)) for r, w in zip(releases, works, strict=True)]


def of_four(rng: np.random.Generator) -> Jobs:
    """Draw jobs of four operations."""
    count = int(rng.integers(2, _MOST + 1))
    releases = np.sort(rng.integers(0, 6 * count, count)).tolist()
    works = rng.integers(1, _LONGEST // 2 + 1, (count, _FOUR)).tolist()
    return [RevealedJob(r, tuple(w)) for r, w in zip(releases, works, strict=True)]


def ratios(draw: Callable[[np.random.Generator], Jobs], limits: Run) -> dict[str, list[float]]:
    """Return each rule's flow time over the least, instance by instance."""
    found: dict[str, list[float]] = {name: [] for name in (*RULES, "round-robin")}
    rng = np.random.default_rng(0)
    for _ in limits.each(range(_INSTANCES)):
        jobs = draw(rng)
        least = least_flow_time(jobs)
        for name, rule in RULES.items():
            found[name].append(flow_time(jobs, rule) / least)
        found["round-robin"].append(round_robin(jobs) / least)
    return found


def run(limits: Run) -> list[Row]:
    """Play all rules on both kinds of jobs."""
    rows = []
    for case, draw in (("a test of one length first", tested), ("four operations", of_four)):
        found = ratios(draw, limits)
        rows += [_row(case, name, values, found["fcfs"]) for name, values in found.items()]
        if draw is tested:
            rows.append(_worst_row(case, found))
    return rows


def _worst_row(case: str, found: dict[str, list[float]]) -> Row:
    worst = max(found["op-srpt"])
    return Row(
        case=f"up to {_MOST} jobs, {case}, {len(found['op-srpt'])} of {_INSTANCES} instances",
        measure="flow time over the least of all, worst",
        baseline="first come, first served",
        baseline_value=max(found["fcfs"]),
        method="op-srpt",
        value=worst,
        gap=1.0 - 1.0 / worst,
        published=_PUBLISHED,
        verdict="within the proven ratio" if worst <= COMPETITIVE else "beyond the proven ratio",
    )


def _row(case: str, name: str, values: Sequence[float], fcfs: Sequence[float]) -> Row:
    mean = float(np.mean(values))
    bounded = name == "op-srpt" and case.startswith("a test")
    kept = f", {'all' if max(values) <= COMPETITIVE else 'not all'} within {COMPETITIVE:g}"
    return Row(
        case=f"up to {_MOST} jobs, {case}, {len(values)} of {_INSTANCES} instances",
        measure="flow time over the least of all, mean",
        baseline="first come, first served",
        baseline_value=float(np.mean(fcfs)),
        method=name,
        value=mean,
        gap=1.0 - 1.0 / mean,
        published=_PUBLISHED if bounded else None,
        verdict=f"worst {max(values):.3f}{kept if bounded else ''}",
    )


SCENARIO = Scenario(
    name="opflow",
    system="Flow time with gradually revealed jobs: op-SRPT (arXiv 2602.12716)",
    problem="single machine, flow time with jobs revealed step by step",
    wants="nothing: drawn jobs",
    run=run,
    targets=(
        Target(("a test of one length", "worst", "^op-srpt$"), of="value", at_most=COMPETITIVE),
    ),
)
