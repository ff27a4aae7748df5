"""ISBJSSP: blocking job shops with swaps whose machines stop at random.

"Learning to schedule the interrupting swap-allowed blocking job shop" (arXiv 2302.02506) trains a
graph network by reinforcement to choose which waiting job gets a machine. A job leaves its machine
only for the next one, jobs that wait for each other in a circle swap, and work pauses while its
machine is down. Read were the abstract and the introduction: the rules are those named there, the
figures of its tables could not be read, and plans made anew stand in place of the learned policy.
"""

from __future__ import annotations

from scheduling.instances.files import read
from scheduling.instances.schedule.online import with_stops
from scheduling.instances.schedule.random_variants import blocking_job_shop
from scheduling.models.schedule.online import OnlineSchedule, as_online
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.policies import Figure, policy_rows, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Policy

_FILES = ("jsp/la01.txt", "jsp/la04.txt", "jsp/la05.txt")
_JOBS, _MACHINES, _SEEDS = 10, 5, 2
_SHARES = (0.0, 0.5, 1.0)
_BETWEEN, _REPAIR = 200.0, 40.0
_PLAN_WORK = 0.2
_BOUND_WORK = 3.0
_PUBLISHED = "better than or equal to the rules (claim of the abstract; tables not reachable)"


def run(limits: Run) -> list[Row]:
    """Run the rules and the plans with ever more machines that stop."""
    shops, source = _shops(limits)
    rows = []
    for number, share in enumerate(_SHARES):
        case = f"{source}, probability {share:g} of a machine to stop"
        figure = Figure(case, "makespan", _PUBLISHED, len(shops))
        part = limits.share(len(_SHARES) - number)
        found = run_policies(_stopping(shops, share), _policies, part, _BOUND_WORK)
        rows += policy_rows(figure, found)
    return rows


def _policies(seconds: float) -> list[str | Policy]:
    plans = Resolving(work_limit=_PLAN_WORK, time_limit=seconds)
    return ["FIFO", "SPT", "LPT", "MWKR", "MOPNR", plans]


def _stopping(shops: list[ScheduleProblem], share: float) -> list[OnlineSchedule]:
    return [
        with_stops(shop, between=_BETWEEN, repair=_REPAIR, share=share, seed=seed)
        for seed, shop in enumerate(shops)
    ]


def _shops(limits: Run) -> tuple[list[ScheduleProblem], str]:
    if limits.data is None:
        shops = [blocking_job_shop(jobs=_JOBS, machines=_MACHINES, seed=s) for s in range(_SEEDS)]
        return shops, f"random shops of {_JOBS} jobs on {_MACHINES} machines"
    found = [as_online(read(limits.file("isbjssp", name))).truth for name in _FILES]
    return [_blocking(shop) for shop in found], "Lawrence's shops of 10 jobs on 5 machines"


def _blocking(shop: ScheduleProblem) -> ScheduleProblem:
    jobs = tuple(job.model_copy(update={"blocking": True}) for job in shop.jobs)
    return shop.model_copy(update={"jobs": jobs})


SCENARIO = Scenario(
    name="isbjssp",
    system="interrupting swap-allowed blocking job shop (arXiv 2302.02506)",
    problem="blocking job shop with swaps and machines that stop",
    wants=f"{', '.join(_FILES)}; without data sets, random shops",
    run=run,
    targets=(Target(("makespan", "^resolve"), at_most=1),),
)
