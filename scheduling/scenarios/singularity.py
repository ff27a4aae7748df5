"""Singularity (arXiv 2202.07848): jobs on a GPU fleet that may be preempted, resized and migrated.

The system is known here by its abstract: every job can be stopped, moved and given fewer or more
GPUs without its help, and tiers of service promise shares of GPUs over time. Here jobs come in
time, each with work in GPU quanta and a width, the most GPUs that it can use. All GPUs are equal,
so migration and preemption cost nothing at the end of a quantum. An elastic job is a set of
quanta, at most ``width`` of which run at a time; a rigid one holds ``width`` GPUs until it is done.
The total time from coming to completion counts, weighted by the tier. The policies are inferred:
GPUs go to the least work left for the weight of the tier, or to the highest tier first, and are
taken from other jobs at the end of a quantum. How much of the GPUs is in use stands beside, as
quanta until all jobs are done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.policies import Figure, policy_rows, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.schedule.policies.dispatching import Ranked
from scheduling.simulator.schedule.policy import Option, Policy
from scheduling.simulator.schedule.view import View

_GPUS = 16
_JOBS = 14
_WIDTHS = (2, 4, 8)
_QUANTA = (2, 9)
_TIERS = (1, 2, 4)
_GAP = 1.2
_SEEDS = 3
_BOUND_WORK = 2.0


def jobs(seed: int) -> list[dict[str, int]]:
    """Draw jobs: release, width, length at full width in quanta, and the weight of the tier."""
    rng = np.random.default_rng(seed)
    releases = np.rint(np.cumsum([0.0, *rng.exponential(_GAP, _JOBS - 1)])).astype(int)
    return [
        {
            "release": int(release),
            "width": int(rng.choice(_WIDTHS)),
            "length": int(rng.integers(*_QUANTA)),
            "weight": int(rng.choice(_TIERS)),
        }
        for release in releases
    ]


def fleet(
    drawn: list[dict[str, int]], *, elastic: bool, objective: str = "total_flow"
) -> ScheduleProblem:
    """State the jobs as quanta of one GPU, or as whole jobs that hold their GPUs."""
    resources = [{"type": "renewable", "id": "gpus", "capacity": _GPUS}]
    found = []
    for number, job in enumerate(drawn):
        name = f"job {number}"
        if elastic:
            resources.append({"type": "renewable", "id": name, "capacity": job["width"]})
            demands = {"gpus": 1, name: 1}
            count, length = job["width"] * job["length"], 1
        else:
            demands = {"gpus": job["width"]}
            count, length = 1, job["length"]
        modes = [{"duration": length, "demands": demands}]
        tasks = [{"id": f"{name}.{part}", "modes": modes} for part in range(count)]
        fields = {"id": name, "release": job["release"], "weight": job["weight"], "tasks": tasks}
        found.append(fields)
    document = {"resources": resources, "jobs": found, "objective": objective}
    return ScheduleProblem.model_validate(document)


def least_left(view: View, option: Option) -> float:
    """Work left of the job over its weight: shortest remaining processing time, weighted."""
    return view.work_left(option.task) / view.waiting(option).weight


def highest_tier(view: View, option: Option) -> float:
    """Tier of the job, highest first; of one tier what came first."""
    waiting = view.waiting(option)
    return waiting.release / (1 + waiting.release) - waiting.weight


def _rigid(_seconds: float) -> Sequence[str | Policy]:
    return ["FIFO", "WSPT"]


def _elastic(_seconds: float) -> Sequence[str | Policy]:
    by_tier = Ranked("by tier", "quanta of the highest tier, first come first", highest_tier)
    summary = "quanta of the job with the least work left for its weight"
    return [Ranked("least work left", summary, least_left), by_tier, "FIFO"]


def run(limits: Run) -> list[Row]:
    """Run the same jobs rigid and elastic; the first rule of the rigid ones is the baseline."""
    drawn = [jobs(seed) for seed in range(_SEEDS)]
    rigid = [fleet(entry, elastic=False) for entry in drawn]
    elastic = [fleet(entry, elastic=True) for entry in drawn]
    case = f"{_JOBS} jobs on {_GPUS} GPUs"
    measure = "weighted quanta from coming to completion, per job"
    figure = Figure(case, measure, None, _SEEDS, _JOBS)
    flows = _both(figure, rigid, elastic, limits.share(2))
    rigid = [fleet(entry, elastic=False, objective="makespan") for entry in drawn]
    elastic = [fleet(entry, elastic=True, objective="makespan") for entry in drawn]
    figure = Figure(case, "quanta until all jobs are done", None, _SEEDS)
    return [*flows, *_both(figure, rigid, elastic, limits)]


def _both(
    figure: Figure, rigid: list[ScheduleProblem], elastic: list[ScheduleProblem], limits: Run
) -> list[Row]:
    runs = run_policies(rigid, _rigid, limits.share(2), _BOUND_WORK)
    others = run_policies(elastic, _elastic, limits, _BOUND_WORK)
    # The time may not have sufficed for as many of both: only the same jobs can be compared.
    both = min(len(runs), len(others))
    held, resized = policy_rows(figure, runs[:both]), policy_rows(figure, others[:both])
    first = held[0]
    return [
        *(replace(row, method=f"rigid, {row.method}") for row in held),
        *(
            replace(
                row,
                method=f"elastic, {row.method}",
                baseline=f"rigid, {first.baseline}",
                baseline_value=first.baseline_value,
            )
            for row in resized
        ),
    ]


SCENARIO = Scenario(
    name="singularity",
    system="Singularity: preemptive, elastic scheduling of AI jobs (2202.07848, abstract)",
    problem="preempt, migrate and resize jobs",
    wants="nothing: seeded jobs",
    run=run,
    targets=(
        Target(("to completion", "^elastic, (by tier|least work left)$"), at_most=1),
        Target(("all jobs are done", "^elastic, least work left$"), of="gap", at_most=0.05),
    ),
)
