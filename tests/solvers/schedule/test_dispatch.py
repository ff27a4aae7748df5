"""Dispatching: valid on every shop, non-delay and active, own rules, refusals."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.schedule.random_variants import setup_job_shop
from scheduling.models.base import Status
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.dispatch import Dispatch, GifflerThompson
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES, Waiting
from scheduling.solvers.schedule.shop import Shop
from tests.brute_force import brute_force
from tests.solving import solve
from tests.strategies import schedule_problems

PLAIN: dict[str, Any] = {
    "renewables": 0,
    "consumables": 0,
    "kinds": ("end-start",),
    "lags": False,
    "max_lags": False,
    "tiers": 1,
}
SHOPS = schedule_problems(**PLAIN) | schedule_problems(**PLAIN, setups=True)


@pytest.mark.parametrize("solver", ["dispatch", "giffler-thompson"])
@given(problem=SHOPS)
def test_dispatched_schedules_are_valid_and_bounded(solver: str, problem: ScheduleProblem) -> None:
    answer = solve(problem, solver)
    assert sch.check(problem, answer) == []
    optimum = brute_force(problem)
    if answer.tasks:
        assert optimum is not None
        assert answer.bound <= optimum[0] <= answer.objective
    if answer.status is Status.INFEASIBLE:
        assert optimum is None


def one_machine(durations: list[int], **due: int) -> ScheduleProblem:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    for number, duration in enumerate(durations):
        job = model.add_job(f"J{number}", due=due.get(f"J{number}"))
        model.add_task(job, duration=duration, machine=machine)
    model.minimize("total_completion")
    return model.build()


def test_spt_is_optimal_for_total_completion_on_one_machine() -> None:
    answer = solve(one_machine([5, 1, 3]), "dispatch:SPT")
    assert answer.objective == 1 + 4 + 9
    assert [task.start for task in answer.tasks] == [4, 0, 1]


@pytest.mark.parametrize("rule", [*RULES, *DUE_RULES])
@pytest.mark.parametrize("kind", [Dispatch, GifflerThompson])
def test_every_rule_dispatches(kind: type[Dispatch], rule: str) -> None:
    problem = one_machine([5, 1, 3], J0=4, J2=9)
    answer = solve(problem, kind(rule))
    assert sch.check(problem, answer) == []
    assert answer.solver.endswith(rule)


def test_giffler_thompson_waits_for_a_better_task() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    long, urgent = model.add_job("long"), model.add_job("urgent", release=1, due=2)
    model.add_task(long, duration=9, machine=machine)
    model.add_task(urgent, duration=1, machine=machine)
    model.minimize("total_tardiness")
    problem = model.build()
    assert solve(problem, "dispatch:EDD").objective == 8
    assert solve(problem, "giffler-thompson:EDD").objective == 0


def test_refusals_name_the_way_out() -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(1)
    model.add_task(model.add_job(), duration=1, demands={crew: 1})
    with pytest.raises(UnsupportedError, match="use sgs"):
        solve(model.build(), "dispatch")
    with pytest.raises(UnsupportedError, match="no dispatching rule 'XYZ'"):
        solve(one_machine([1]), "dispatch:XYZ")


SETUPS = [[1, 1, 3, 4], [0, 4, 1, 3], [0, 0, 1, 0], [1, 2, 0, 3], [4, 3, 1, 0]]
"""Setups of the example below: first ones, then those behind each of the jobs 1 to 4."""


def four_jobs() -> ScheduleProblem:
    """Return an example worked out in Pinedo, Scheduling (section 14.2)."""
    model = sch.ScheduleModel()
    names = (None, "1", "2", "3", "4")
    times = {
        (before, str(after + 1)): time
        for before, row in zip(names, SETUPS, strict=True)
        for after, time in enumerate(row)
        if time
    }
    machine = model.add_machine(setups=times)
    rows = zip("1234", (13, 9, 13, 10), (12, 37, 21, 22), (2, 4, 2, 5), strict=True)
    for name, duration, due, weight in rows:
        job = model.add_job(name, due=due, weight=weight)
        model.add_task(job, duration=duration, machine=machine, state=name)
    model.minimize("total_tardiness")
    return model.build()


def test_atcs_ranks_the_worked_example_as_computed_by_hand() -> None:
    seen: dict[tuple[int, int], Waiting] = {}

    def spy(waiting: Waiting) -> float:
        seen[waiting.now, waiting.task] = waiting
        return DUE_RULES["ATCS"](waiting)

    Shop(compile_arrays(four_jobs())).schedule(spy, 0.0)
    first = seen[0, 0]
    assert first.mean == 45 / 4
    assert first.mean_setup == pytest.approx(23 / 12)
    # n (p + b s) with b = min(1, 0.4 + 10 / n^2 - s / (7 p)) for n = 4 tasks on one machine
    makespan = 45 + 4 * 23 / 12
    assert first.tightness == pytest.approx(1 - 23 / makespan)
    assert first.spread == pytest.approx(25 / makespan)
    k1, k2 = 4.5 + first.spread, first.tightness / (2 * np.sqrt(23 / 12 / (45 / 4)))
    index = {
        task: weight
        / duration
        * np.exp(-max(0, due - duration) / (k1 * 45 / 4))
        * np.exp(-setup / (k2 * 23 / 12))
        for task, (duration, due, weight, setup) in enumerate(
            zip((13, 9, 13, 10), (12, 37, 21, 22), (2, 4, 2, 5), SETUPS[0], strict=True)
        )
    }
    for task, value in index.items():
        assert np.exp(-DUE_RULES["ATCS"](seen[0, task])) == pytest.approx(value)


def test_atcs_finds_the_best_order_of_the_worked_example() -> None:
    problem = four_jobs()
    answer = solve(problem, "dispatch:ATCS")
    assert answer.objective == 98
    jobs = {task.id: job.id for job in problem.jobs for task in job.tasks}
    order = sorted(answer.tasks, key=lambda task: task.start)
    assert [jobs[task.task] for task in order] == ["2", "4", "3", "1"]


def with_dates(problem: ScheduleProblem, seed: int) -> ScheduleProblem:
    """Return the shop with due dates and weights, to minimise tardiness."""
    rng = np.random.default_rng(seed)
    jobs = []
    for job in problem.jobs:
        work = sum(task.modes[0].duration for task in job.tasks)
        due = work + int(rng.integers(0, 40 * len(problem.jobs)))
        jobs.append(job.model_copy(update={"due": due, "weight": int(rng.integers(1, 6))}))
    fields = problem.model_dump() | {"jobs": [job.model_dump() for job in jobs]}
    fields["objective"] = {"tiers": [{"terms": [{"measure": "total_tardiness"}]}]}
    return ScheduleProblem.model_validate(fields)


@pytest.mark.parametrize("machines", [1, 5])
def test_atcs_beats_atc_where_setups_are_long(machines: int) -> None:
    values: dict[str, list[float]] = {"ATC": [], "ATCS": []}
    for seed in range(10):
        shop = setup_job_shop(jobs=30, machines=machines, longest_setup=60, seed=seed)
        problem = with_dates(shop, seed)
        for rule, found in values.items():
            found.append(solve(problem, f"dispatch:{rule}").objective)
    assert fmean(values["ATCS"]) < 0.9 * fmean(values["ATC"])
