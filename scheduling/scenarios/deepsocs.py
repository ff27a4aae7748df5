"""DeepSoCS: streams of task graphs on a heterogeneous system on a chip, under noise.

"DeepSoCS: A Neural Scheduler for Heterogeneous System-on-Chip Resource Scheduling" (Sung and
others, Electronics 2020, arXiv 2005.07666) orders ready tasks with a graph network and maps each
to the processor where it ends first. Jobs come with exponential gaps; the measure is their mean
latency. Read were the abstract and the READMEs of its simulators, so the rules here are the
baselines named there (MET, EFT, ETF, STF, HEFT at run time), beside plans made anew. Its table
could not be read.
"""

from __future__ import annotations

from scheduling.instances.schedule.online import with_noise
from scheduling.instances.schedule.random_graphs import graph_stream, soc_stream
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.scenarios.policies import Figure, policy_rows, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Policy

_JOBS = 8
_SEEDS = 2
_NOISE = 0.2
_PLAN_WORK = 0.05
_BOUND_WORK = 1.0
_PUBLISHED = "no table reachable; the same group's study of 2022 finds plain heuristics as good"


def run(limits: Run) -> list[Row]:
    """Run the rules and the plans on streams of the HEFT example and of random graphs."""
    found = run_policies(_canonical(), _policies, limits.share(2), _BOUND_WORK)
    rows = policy_rows(_figure("the 10-task HEFT example on 3 processors"), found)
    found = run_policies(_random(), _policies, limits, _BOUND_WORK)
    return rows + policy_rows(_figure("random 8-task graphs on 3 processors"), found)


def _figure(graphs: str) -> Figure:
    case = f"stream of {_JOBS} jobs, each {graphs}, noise {_NOISE:g}"
    return Figure(case, "mean latency of a job", _PUBLISHED, _SEEDS, _JOBS)


def _policies(seconds: float) -> list[str | Policy]:
    plans = Resolving(work_limit=_PLAN_WORK, time_limit=seconds)
    return ["heft", "met", "eft", "etf", "stf", plans]


def _canonical() -> list[OnlineSchedule]:
    return [
        with_noise(soc_stream(jobs=_JOBS, gap=60.0, seed=seed), noise=_NOISE, seed=seed)
        for seed in range(_SEEDS)
    ]


def _random() -> list[OnlineSchedule]:
    streams = [
        graph_stream(jobs=_JOBS, tasks=8, processors=3, gap=80.0, seed=seed)
        for seed in range(_SEEDS)
    ]
    return [with_noise(stream, noise=_NOISE, seed=seed) for seed, stream in enumerate(streams)]


SCENARIO = Scenario(
    name="deepsocs",
    system="DeepSoCS, task graphs on heterogeneous systems on a chip (arXiv 2005.07666)",
    problem="task graphs on heterogeneous processors under noise",
    wants="nothing: streams of the published example and of random graphs",
    run=run,
    targets=(Target(("latency of a job", "^resolve"), at_most=1),),
)
