"""Online schedules with setups and deadlines: machines are set up by decisions, limits count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.simulator.schedule.policies.resolving import Resolving
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def painted(*jobs: tuple[int, str, dict[str, Any]], **times: int) -> ScheduleProblem:
    """Return jobs of (duration, colour, fields) on one machine; setups by ``before_after``."""
    model = sch.ScheduleModel()
    rows = {(pair.split("_")[0], pair.split("_")[1]): time for pair, time in times.items()}
    machine = model.add_machine("booth", setups={(a or None, b): t for (a, b), t in rows.items()})
    for number, (duration, colour, fields) in enumerate(jobs):
        job = model.add_job(f"j{number}", **fields)
        model.add_task(job, duration=duration, machine=machine, state=colour, name=f"t{number}")
    return model.build()


def test_setups_begin_when_they_are_decided() -> None:
    problem = painted((2, "red", {}), (2, "blue", {"release": 6}), red_blue=3)
    run = sch.simulate(problem, "FIFO", work_limit=1, workers=1).runs[0]
    assert [(task.start, task.end) for task in run.solution.tasks] == [(0, 2), (9, 11)]
    assert sch.check(problem, run.solution) == []


def test_the_first_setup_counts_from_the_decision_too() -> None:
    problem = painted((2, "red", {"release": 1}), _red=4)
    run = sch.simulate(problem, "FIFO", work_limit=1, workers=1).runs[0]
    assert run.solution.tasks[0].start == 5


def test_atcs_keeps_the_colour_where_atc_changes_it() -> None:
    jobs = [(3, colour, {"due": 9}) for colour in ("red", "blue", "red", "blue")]
    problem = painted(*jobs, red_blue=9, blue_red=9)
    found = sch.simulate(problem, ["ATC", "ATCS"], work_limit=1, workers=1)
    assert [run.solution.objective for run in found.runs] == [39, 21]


def test_plans_know_in_which_state_a_machine_is() -> None:
    jobs = [(2, "red", {}), (2, "blue", {"release": 1}), (2, "red", {"release": 1})]
    problem = painted(*jobs, red_blue=5, blue_red=5)
    found = sch.simulate(problem, Resolving(), work_limit=1, workers=1)
    assert found.runs[0].solution.objective == 11


def test_a_stop_during_a_setup_puts_the_start_off() -> None:
    fields = painted((2, "red", {}), (2, "blue", {}), red_blue=3).model_dump()
    fields["calendars"] = [{"id": "c", "breaks": [{"start": 4, "end": 9}]}]
    fields["resources"][0]["calendar"] = "c"
    for job in fields["jobs"]:
        job["tasks"][0]["interruptible"] = True
    problem = ScheduleProblem.model_validate(fields)
    run = sch.simulate(problem, "FIFO", work_limit=1, workers=1).runs[0]
    assert [(task.start, task.end) for task in run.solution.tasks] == [(0, 2), (9, 11)]


def test_a_missed_deadline_leaves_no_solution() -> None:
    problem = painted((9, "red", {}), (1, "red", {"deadline": 4}))
    found = sch.simulate(problem, ["LPT", "SPT", "resolve"], work_limit=1, workers=1)
    late, kept, planned = found.runs
    assert late.missed == ("t1",)
    assert late.solution.status is Status.UNKNOWN
    assert late.solution.tasks == ()
    assert late.solution.objective is None
    assert late.solution.bound == 10
    assert kept.missed == planned.missed == ()
    assert kept.solution.objective == planned.solution.objective == 10
    assert found.best.policy == "SPT"


def test_a_lost_deadline_does_not_stop_the_plans() -> None:
    truth = painted((4, "red", {}), (1, "red", {"release": 1, "deadline": 3}))
    found = sch.simulate(truth, ["resolve"], work_limit=1, workers=1)
    assert found.best.missed == ("t1",)


def test_plans_with_modes_that_cannot_be_had_take_others() -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(1)
    task = model.add_task(model.add_job(), duration=0, demands={crew: 2})
    model.add_mode(task, duration=0)
    found = sch.simulate(model.build(), "resolve", work_limit=1, workers=1)
    assert found.best.solution.objective == 0


def test_setups_beside_blocking_jobs_are_refused_with_the_reason() -> None:
    problem = painted((2, "red", {"chain": True, "blocking": True}), (2, "blue", {}), red_blue=3)
    with pytest.raises(UnsupportedError, match=r"setups beside blocking jobs \(jobs that"):
        sch.simulate(problem, "SPT")


@examples(25)
@given(
    truth=schedule_problems(
        max_tasks=2,
        max_duration=3,
        calendars=False,
        steps=False,
        max_lags=False,
        lags=False,
        consumables=0,
        renewables=0,
        kinds=("end-start",),
        setups=True,
    ),
    policy=st.sampled_from(["ATCS", "MDD", "eft", "resolve"]),
)
def test_runs_with_deadlines_are_solutions_or_say_what_they_missed(
    truth: ScheduleProblem, policy: str
) -> None:
    least = brute_force(truth)
    try:
        run = sch.simulate(OnlineSchedule(truth=truth), policy, work_limit=1, workers=1).runs[0]
    except InputError:
        assert least is None
        return
    assert bool(run.missed) == (not run.solution.tasks)
    if least is None:
        assert run.missed
        return
    assert sch.check(truth, run.solution) == []
    tier = run.solution.tiers[0]
    assert tier.bound is None or tier.bound <= least[0]
    assert tier.objective is None or tier.objective >= least[0]
