"""Online schedules: what runs are worth, what policies see, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, PolicyError, UnsupportedError
from scheduling.instances.schedule.online import with_arrivals, with_noise
from scheduling.models.base import Status
from scheduling.models.schedule.online import OnlineSchedule, as_online
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.policies.dispatching import Dispatching, GivenPriority
from scheduling.simulator.schedule.policies.mapping import heft
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.registry import policy
from scheduling.simulator.schedule.view import View
from tests.brute_force import brute_force
from tests.properties import examples
from tests.simulator.online_schedules import QUICK, online_problems, run, shop, values


@examples(60)
@given(problem=online_problems(max_tasks=2), name=st.sampled_from(QUICK))
def test_no_policy_beats_the_offline_optimum(problem: OnlineSchedule, name: str) -> None:
    found = values(problem, run(problem, name))
    least = brute_force(problem.truth)
    assert least is not None
    assert tuple(found) >= least


@examples(12)
@given(problem=online_problems(max_tasks=2), every=st.none() | st.integers(1, 4))
def test_plans_are_valid_and_bounded(problem: OnlineSchedule, every: int | None) -> None:
    try:
        found = sch.simulate(problem, Resolving(every=every), work_limit=1, workers=1)
    except UnsupportedError:
        assume(False)
    least = brute_force(problem.truth)
    assert least is not None
    solution = found.runs[0].solution
    assert sch.check(problem, solution) == []
    tiers = solution.tiers
    assert tiers[0].objective is not None
    assert tiers[0].bound is not None
    assert tiers[0].bound <= least[0] <= tiers[0].objective


@examples(40)
@given(
    problem=online_problems(max_tasks=3),
    name=st.sampled_from([*QUICK, "resolve"]),
    data=st.data(),
)
def test_policies_see_no_future(problem: OnlineSchedule, name: str, data: st.DataObject) -> None:
    """What starts before a moment does not depend on what is revealed after it."""
    first = run(problem, name)
    moment = data.draw(st.integers(0, max(entry.end for entry in first)))
    hidden = {entry.task for entry in first if entry.end > moment}
    later = {job.id for job in problem.truth.jobs if job.release > moment}
    assume(problem.arrivals == "release" or not later)
    expected = {
        task.id: problem.expected.get(task.id, tuple(mode.duration for mode in task.modes))
        for task in problem.truth.tasks
    }
    jobs = []
    for job in problem.truth.jobs:
        tasks = []
        for task in job.tasks:
            grown = task.id in hidden
            modes = [
                mode.model_copy(update={"duration": mode.duration + (5 if grown else 0)})
                for mode in task.modes
            ]
            tasks.append(task.model_copy(update={"modes": tuple(modes)}))
        shift = 3 if job.id in later else 0
        update = {"tasks": tuple(tasks), "release": job.release + shift}
        jobs.append(job.model_copy(update=update))
    truth = problem.truth.model_copy(update={"jobs": tuple(jobs)})
    same = OnlineSchedule(truth=problem.truth, expected=expected, arrivals=problem.arrivals)
    other = OnlineSchedule(truth=truth, expected=expected, arrivals=problem.arrivals)
    here = {(e.task, e.mode, e.start) for e in run(same, name) if e.start < moment}
    there = {(e.task, e.mode, e.start) for e in run(other, name) if e.start < moment}
    assert here == there


def test_blocked_jobs_swap_at_once() -> None:
    problem = shop([("a", 2), ("b", 3)], [("b", 4), ("a", 1)], blocking=True)
    tasks = {entry.task: entry for entry in execute(as_online(problem), Dispatching("FIFO"))}
    assert (tasks["j0.1"].start, tasks["j1.1"].start) == (4, 4)
    circle = shop([("a", 1), ("b", 2)], [("b", 2), ("c", 2)], [("c", 3), ("a", 2)], blocking=True)
    tasks = {entry.task: entry for entry in execute(as_online(circle), Dispatching("SPT"))}
    assert {tasks[name].start for name in ("j0.1", "j1.1", "j2.1")} == {3}


def test_rules_choose_as_their_names_say() -> None:
    problem = shop([("a", 3)], [("a", 1)], [("a", 2)])
    orders = {}
    for name in ("SPT", "LPT"):
        tasks = execute(as_online(problem), policy(name))
        orders[name] = [entry.task for entry in sorted(tasks, key=lambda e: e.start)]
    assert orders["SPT"] == ["j1.0", "j2.0", "j0.0"]
    assert orders["LPT"] == ["j0.0", "j2.0", "j1.0"]
    given_order = execute(as_online(problem), GivenPriority({"j2": 5, "j1.0": 3}))
    ranked = [entry.task for entry in sorted(given_order, key=lambda e: e.start)]
    assert ranked == ["j2.0", "j1.0", "j0.0"]


def test_rules_go_by_expected_durations() -> None:
    problem = OnlineSchedule(truth=shop([("a", 9)], [("a", 1)]), expected={"j0.0": (0,)})
    tasks = execute(problem, policy("SPT"))
    assert [entry.start for entry in tasks] == [0, 9]


def test_mapping_queues_at_busy_machines() -> None:
    """A slow machine stays idle when the fast one ends the task first in spite of its queue."""
    truth = ScheduleProblem.model_validate(
        {
            "resources": [{"type": "machine", "id": name} for name in ("fast", "slow")],
            "jobs": [
                {
                    "id": f"j{number}",
                    "tasks": [
                        {
                            "id": f"t{number}",
                            "modes": [
                                {"duration": 2, "machine": "fast"},
                                {"duration": 9, "machine": "slow"},
                            ],
                        }
                    ],
                }
                for number in range(3)
            ],
        }
    )
    online = as_online(truth)
    assert values(online, execute(online, heft())) == [6]
    assert values(online, execute(online, Dispatching("FIFO"))) == [9]
    assert [entry.mode for entry in execute(online, policy("round-robin"))] == [0, 1, 0]
    assert [entry.mode for entry in execute(online, policy("met"))] == [0, 0, 0]
    assert values(online, execute(online, policy("sequential"))) == [6]


def test_plans_reach_the_optimum_when_nothing_is_hidden() -> None:
    problem = sch.read("bundled:ft06")
    found = sch.simulate(problem, ["FIFO", "resolve"], work_limit=5, workers=1)
    assert [run.policy for run in found.runs] == ["FIFO", "resolve"]
    assert found.best.solution.objective == found.offline.bound == 55
    assert found.best.solution.status is Status.OPTIMAL
    assert found.runs[0].solution.status is Status.FEASIBLE
    assert found.runs[0].solution.gap is not None


def test_the_same_call_gives_the_same_runs() -> None:
    shop_ = sch.read("bundled:ft06")
    problem = with_noise(with_arrivals(shop_, gap=4.0, seed=1), noise=0.4, seed=2)
    tables = [
        [
            (run.policy, run.solution.tasks, run.solution.tiers)
            for run in sch.simulate(
                problem, ["random", "etf", "resolve:9"], work_limit=1, workers=1, seed=3
            ).runs
        ]
        for _ in range(2)
    ]
    assert tables[0] == tables[1]


def test_later_tiers_are_bounded_only_where_earlier_ones_agree() -> None:
    """A policy that is worse in the first tier may be better in the second than the optimum is."""
    truth = shop([("a", 2), ("b", 9)], [("a", 1)]).model_copy(
        update={"objective": as_tiers(["makespan", "total_completion"])}
    )
    found = sch.simulate(truth, ["SPT", "MWKR"], work_limit=2, workers=1)
    short, long = (run.solution for run in found.runs)
    assert [tier.objective for tier in found.offline.tiers] == [11, 14]
    assert [tier.objective for tier in short.tiers] == [12, 13]
    assert short.tiers[0].bound == 11
    assert (short.tiers[1].bound or 0) <= 13
    assert long.status is Status.OPTIMAL


def as_tiers(measures: list[str]) -> Any:
    problem = {"jobs": [{"id": "j", "tasks": [{"id": "t", "modes": [{"duration": 1}]}]}]}
    return ScheduleProblem.model_validate({**problem, "objective": measures}).objective


class Idle:
    """Never starts anything."""

    name = "idle"
    summary = "waits"
    relaxation = "it does nothing"

    def begin(self, view: View) -> None:
        pass

    def decide(self, view: View) -> list[Option]:
        return []


class Hasty(Idle):
    """Starts what waits, whether it can start or not."""

    name = "hasty"

    def decide(self, view: View) -> list[Option]:
        return [options[0] for options in view.open().values()]


def test_policies_that_break_the_rules_are_named() -> None:
    problem = shop([("a", 3)], [("a", 1)])
    with pytest.raises(PolicyError, match=r"'idle' waits at 0, .*'j0.0', 'j1.0'"):
        sch.simulate(problem, Idle())
    with pytest.raises(PolicyError, match=r"'hasty' starts task 'j1.0' in mode 0 at 0"):
        sch.simulate(problem, Hasty())


def test_what_cannot_be_run_is_refused_by_name() -> None:
    tight = shop([("a", 3), ("b", 1)], no_wait=True)
    with pytest.raises(UnsupportedError, match=r"no-wait \(a start would promise"):
        sch.simulate(tight, "SPT")
    demanding = ScheduleProblem.model_validate(
        {
            "resources": [{"type": "renewable", "id": "r", "capacity": 1}],
            "jobs": [
                {"id": "j", "tasks": [{"id": "t", "modes": [{"duration": 1, "demands": {"r": 2}}]}]}
            ],
        }
    )
    with pytest.raises(UnsupportedError, match="'t' demands more"):
        sch.simulate(demanding, "SPT")
    with pytest.raises(UnsupportedError, match=r"no policy 'SPTT' \(did you mean 'SPT'\?\)"):
        sch.simulate(shop([("a", 3)]), "SPTT")
    with pytest.raises(InputError, match="policy: found none"):
        sch.simulate(shop([("a", 3)]), [])
    with pytest.raises(UnsupportedError, match="run policies on them: simulate"):
        sch.solve(as_online(shop([("a", 3)])))
    with pytest.raises(InputError, match="every: found 0"):
        Resolving(every=0)
