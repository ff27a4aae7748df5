from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Explanation, explain, shrink
from scheduling.solvers.schedule.explain import ScheduleConflict
from scheduling.solvers.schedule.positive_cycle import Arc, find_positive_cycle
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems


def sentences(found: Explanation) -> list[str]:
    return [str(label) for label in found.conflict]


def crowded_machine() -> ScheduleProblem:
    model = sch.ScheduleModel()
    machine, other = model.add_machine("m1"), model.add_machine("m2")
    job = model.add_job("j")
    model.add_task(job, duration=6, machine=machine, deadline=10, name="a")
    model.add_task(job, duration=5, machine=machine, deadline=9, name="b")
    model.add_task(job, duration=1, machine=machine, name="c")
    model.add_task(job, duration=4, machine=other, deadline=40, name="d")
    return model.build()


def test_machine_conflict_in_words() -> None:
    found = explain(crowded_machine(), 20.0)
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    assert sentences(found) == [
        "machine 'm1' runs one task at a time",
        "task 'a' takes 6 on machine 'm1'",
        "task 'a' must end by 10",
        "task 'b' takes 5 on machine 'm1'",
        "task 'b' must end by 9",
    ]
    assert found.relaxations == found.conflict
    text = str(found)
    assert "These constraints cannot hold together:" in text
    assert text.endswith("Leaving out any one of them gives a solution.")
    assert found.conflict[0].kind == "machine"
    assert found.conflict[0].entities == ("m1",)


def test_cycle_of_lags_in_words() -> None:
    model = sch.ScheduleModel()
    job = model.add_job("j")
    for name in "abc":
        model.add_task(job, duration=3, name=name)
    model.add_precedence("a", "b", min_lag=2)
    model.add_precedence("b", "c", kind="start-start", min_lag=1, max_lag=9)
    model.add_precedence("a", "c", kind="start-start", min_lag=None, max_lag=4)
    model.add_precedence("c", "b", kind="start-end", max_lag=5, min_lag=-1)
    found = explain(model.build(), 20.0)
    assert found.is_minimal
    assert sentences(found) == [
        "task 'a' takes 3",
        "task 'b' starts at least 2 after task 'a' ends",
        "task 'c' starts at least 1 after task 'b' starts",
        "task 'c' starts at most 4 after task 'a' starts",
    ]


def test_windows_in_words() -> None:
    model = sch.ScheduleModel()
    job = model.add_job("j", chain=True, release=4, deadline=9)
    model.add_task(job, duration=3, name="a")
    model.add_task(job, duration=3, name="b")
    found = explain(model.build(), 20.0)
    assert sentences(found) == [
        "job 'j' may not start before 4",
        "job 'j' must be complete by 9",
        "task 'a' takes 3",
        "task 'b' takes 3",
        "in job 'j' task 'b' starts no earlier than task 'a' ends",
    ]
    assert found.is_minimal


def test_every_resource_rule_has_words() -> None:
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(2, 4)], name="week")
    machine = model.add_machine("m", calendar=calendar)
    crew = model.add_renewable(2, steps=[(3, 1), (5, 2), (9, 0)], name="crew", calendar=calendar)
    stock = model.add_consumable(1, name="glue")
    job = model.add_job("j", deadline=9)
    model.add_task(job, duration=3, machine=machine, demands={crew: 2, stock: 1}, name="a")
    task = model.add_task(job, name="b", release=1)
    model.add_mode(task, duration=0, demands={stock: 1})
    model.add_mode(task, duration=2, demands={stock: 2})
    found = explain(model.build(), 20.0)
    assert found.is_minimal
    assert sentences(found) == [
        "stock 'glue' holds 1 unit",
        "task 'a' takes 3 on machine 'm' with 2 of 'crew', 1 of 'glue'",
        "task 'b' takes one of: no time with 1 of 'glue'; 2 with 2 of 'glue'",
    ]
    texts = [label.sentence for label in ScheduleConflict(model.build()).labels]
    assert "machine 'm' is closed from 2 to 4 (calendar 'week')" in texts
    assert "resource 'crew' is closed from 2 to 4 (calendar 'week')" in texts
    assert "resource 'crew' has 2 units" in texts
    assert "resource 'crew' has only 1 unit from 3 to 5" in texts
    assert "resource 'crew' has only 0 units from 9 on" in texts
    assert "task 'b' may not start before 1" in texts


def test_groups_and_pools_have_words() -> None:
    model = sch.ScheduleModel()
    pool = model.add_pool(1, name="ovens", calendar=model.add_calendar([(9, 10)], name="week"))
    names = [
        model.add_task(model.add_job(deadline=5), duration=3, machine=pool, name=name)
        for name in ("a", "b")
    ]
    sentence = "pool 'ovens' has 1 machine"
    assert sentence in sentences(explain(model.build(), 20.0))
    problem = model.build()
    assert "pool 'ovens' is closed from 9 to 10 (calendar 'week')" in [
        label.sentence for label in ScheduleConflict(problem).labels
    ]
    model = sch.ScheduleModel()
    for name in names:
        model.add_task(model.add_job(deadline=5), duration=3, name=name)
    model.keep_apart(names)
    sentence = "no two of the tasks 'a', 'b' run at the same time"
    assert sentence in sentences(explain(model.build(), 20.0))


def test_zero_and_negative_lags_in_words() -> None:
    model = sch.ScheduleModel()
    job = model.add_job("j")
    model.add_task(job, duration=1, name="a")
    model.add_task(job, duration=1, name="b")
    for lags in ((0, None), (None, 0), (-3, None), (None, -3)):
        model.add_precedence("a", "b", kind="end-end", min_lag=lags[0], max_lag=lags[1])
    texts = [label.sentence for label in ScheduleConflict(model.build()).labels]
    assert texts[-4:] == [
        "task 'b' ends no earlier than task 'a' ends",
        "task 'b' ends no later than task 'a' ends",
        "task 'b' ends at most 3 before task 'a' ends",
        "task 'b' ends at least 3 before task 'a' ends",
    ]


def test_feasible_problem_gets_a_schedule() -> None:
    model = sch.ScheduleModel()
    model.add_task(model.add_job(), duration=3)
    problem = model.build()
    found = explain(problem, 20.0)
    assert found.status is Status.FEASIBLE
    assert found.conflict == ()
    assert isinstance(found.solution, sch.ScheduleSolution)
    assert check_schedule(problem, found.solution) == []
    assert str(found) == "The problem has a solution."


@given(schedule_problems(tiers=1))
@examples(60)
def test_agrees_with_brute_force(problem: ScheduleProblem) -> None:
    found = explain(problem, 60.0, workers=1)
    assert (found.status is Status.INFEASIBLE) == (brute_force(problem) is None)


def hard_limits() -> st.SearchStrategy[ScheduleProblem]:
    return schedule_problems(
        max_jobs=2, max_tasks=2, tiers=1, measures=("makespan",), precedences=2, max_duration=3
    )


@given(hard_limits())
@examples(300)
def test_conflicts_are_real_and_minimal(problem: ScheduleProblem) -> None:
    found = explain(problem, 60.0, workers=1)
    if brute_force(problem) is not None:
        assert found.status is Status.FEASIBLE
        return
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    conflict = ScheduleConflict(problem)
    members = sorted({conflict.labels.index(label) for label in found.conflict})
    budget = Budget(None, 50.0, 1, 0)
    assert conflict.holds(members, budget) is False
    for member in members:
        assert conflict.holds([index for index in members if index != member], budget) is True


@given(schedule_problems(tiers=1))
@examples(60)
def test_all_rules_together_are_the_problem(problem: ScheduleProblem) -> None:
    conflict = ScheduleConflict(problem)
    holds = conflict.holds(range(len(conflict.labels)), Budget(None, 50.0, 1, 0))
    assert holds == (brute_force(problem) is not None)


def test_engine_that_fails_inside_is_asked_again() -> None:
    # CP-SAT 9.15 throws an index error on this very model while it looks for symmetries.
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(0, 1)])
    machine = model.add_machine(calendar=calendar)
    crew = model.add_renewable(1, calendar=calendar)
    job = model.add_job(chain=True)
    first = model.add_task(job)
    model.add_mode(first, duration=0)
    model.add_mode(first, duration=1, demands={crew: 1})
    second = model.add_task(job, duration=3, machine=machine)
    model.add_precedence(first, second, kind="end-end", max_lag=2)
    assert explain(model.build(), 30.0, workers=1).status is Status.INFEASIBLE
    conflict = ScheduleConflict(model.build())
    assert conflict.holds(range(len(conflict.labels)), Budget(None, 50.0, 1, 0)) is False


def test_groups_come_first_in_large_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.solvers.explain._GROUPED", 1)
    found = explain(crowded_machine(), 20.0)
    assert found.is_minimal
    assert len(found.conflict) == 5


def test_time_running_out_is_not_called_minimal() -> None:
    kept, minimal = shrink(list("abcd"), lambda parts: None)
    assert kept == list("abcd")
    assert not minimal
    found = Explanation(Status.INFEASIBLE, (ScheduleConflict(crowded_machine()).labels[0],))
    assert "the time ran out" in str(found)
    assert str(Explanation(Status.UNKNOWN)) == "Not settled within the time limit."


def test_no_time_is_unknown() -> None:
    found = explain(crowded_machine(), 1e-9)
    assert found.status is Status.UNKNOWN


@given(st.sets(st.integers(0, 19), min_size=1))
def test_shrink_finds_the_one_conflict(core: set[int]) -> None:
    kept, minimal = shrink(range(20), lambda parts: core <= set(parts))
    assert set(kept) == core
    assert kept == sorted(kept)
    assert minimal


def test_wrong_core_of_the_engine_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScheduleConflict, "core", lambda self, parts, budget: [1])
    found = explain(crowded_machine(), 20.0)
    assert len(found.conflict) == 5


@pytest.mark.parametrize("options", [{"time_limit": 0.0}, {"time_limit": 1.0, "workers": 0}])
def test_bad_limits_are_named(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"time_limit|workers"):
        explain(crowded_machine(), **options)  # type: ignore[call-overload]


def test_positive_cycle() -> None:
    arcs = [Arc(0, 1, 2, (0,)), Arc(1, 2, -1, (1,)), Arc(2, 3, 5, (2,)), Arc(2, 0, 0, (3,))]
    cycle = find_positive_cycle(4, arcs)
    assert cycle is not None
    assert {arc.rules[0] for arc in cycle} == {0, 1, 3}
    assert all(a.target == b.source for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))
    assert find_positive_cycle(4, arcs[:3]) is None
