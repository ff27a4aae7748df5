"""User weighted fair queuing for Spark: simulated response times beside those of a real cluster.

The data set has the jobs of 27 users and the mean response times that were measured with them on 32
cores. One constant, the ratio of real core-seconds to configured ones, is found so that the mean
under FAIR is the measured one; the other policies then have nothing left to fit. Work of jobs is
known to the policies, as in the paper's runs; the partitioner cuts by the configured work.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import fmean
from typing import cast

from scheduling.instances.files import read
from scheduling.models.sharing.problem import SharedCluster, partitioned, scaled
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.sharing.policies import Fair
from scheduling.simulator.sharing.simulate import run_sharing, simulate_sharing

JOBS = "uwfq_spark/hetero.csv"
MEASURED = "uwfq_spark/measured.json"
_SETS: dict[str, Callable[[SharedCluster], SharedCluster]] = {
    "plain": lambda problem: problem,
    "partitioned": partitioned,
}
_FACTORS = 1.0, 2.0
_STEPS = 8


def calibrate(problem: SharedCluster, measured: float) -> float:
    """Return the factor of all work at which FAIR has the measured mean response, by bisection.

    Parameters
    ----------
    problem
        Jobs with their configured work.
    measured
        Mean response time in seconds.
    """
    low, high = _FACTORS
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if fmean(run_sharing(scaled(problem, middle), Fair())) < measured:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def run(limits: Run) -> list[Row]:
    """Simulate the policies on both sets, or on the first where the time is short."""
    facts = json.loads(limits.file("uwfq", MEASURED).read_text())
    jobs = read(str(limits.file("uwfq", JOBS)), format=f"shared-jobs:{facts['cores']}")
    rows: list[Row] = []
    for number, (name, cut) in limits.each(enumerate(_SETS.items(), start=1)):
        measured = cast("dict[str, float]", facts["mean_response_seconds"][name])
        case = f"{name}, set {number} of {len(_SETS)}"
        rows += _rows(case, cut(cast("SharedCluster", jobs)), measured)
    return rows


def _rows(case: str, jobs: SharedCluster, measured: dict[str, float]) -> list[Row]:
    factor = calibrate(jobs, measured["FAIR"])
    found = simulate_sharing(scaled(jobs, factor), [policy.lower() for policy in measured])
    return [
        Row(
            case=f"{len(jobs.jobs)} jobs on {jobs.cores} cores, {case}",
            measure="mean response time, s",
            baseline="measured on Spark",
            baseline_value=value,
            method=policy,
            value=one.mean_seconds,
            gap=one.solution.gap,
            published=f"{value:g} s (arXiv 2510.15485, figures of its repository)",
            verdict=f"calibrated: work x {factor:.3f}"
            if policy == "FAIR"
            else f"{100 * (one.mean_seconds / value - 1):+.1f} % of the measured mean",
        )
        for (policy, value), one in zip(measured.items(), found.runs, strict=True)
    ]


SCENARIO = Scenario(
    name="uwfq",
    system="UWFQ: user weighted fair queuing for Spark (arXiv 2510.15485)",
    problem="fair sharing of a cluster between users",
    wants=f"{JOBS}, {MEASURED}",
    run=run,
    targets=(
        Target(("^measured on Spark$", "^UWFQ$"), at_least=0.85, at_most=1.15),
        Target(("^measured on Spark$",), at_least=0.85, at_most=1.15),
    ),
)
