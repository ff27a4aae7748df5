"""Problems: every fault is reported with its place, and documents round-trip."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from scheduling import InputError, ScheduleModel, ScheduleProblem
from tests.strategies import schedule_problems


def document(**changes: Any) -> dict[str, Any]:
    """A small valid problem, with top-level fields replaced."""
    base: dict[str, Any] = {
        "resources": [
            {"type": "machine", "id": "M1"},
            {"type": "renewable", "id": "crew", "capacity": 2},
            {"type": "consumable", "id": "steel", "capacity": 9},
        ],
        "jobs": [
            {"id": "A", "tasks": [{"id": "a1", "modes": [{"duration": 3, "machine": "M1"}]}]},
            {"id": "B", "tasks": [{"id": "b1", "modes": [{"duration": 2}]}]},
        ],
    }
    return {**base, **changes}


def task(**fields: Any) -> dict[str, Any]:
    return {"id": "t", "modes": [{"duration": 1}], **fields}


def job(**fields: Any) -> dict[str, Any]:
    return {"id": "J", "tasks": [task()], **fields}


FAULTY = {
    "no jobs": (document(jobs=[]), "jobs"),
    "job without tasks": (document(jobs=[job(tasks=[])]), "jobs[0].tasks"),
    "task without modes": (document(jobs=[job(tasks=[task(modes=[])])]), "jobs[0].tasks[0].modes"),
    "negative duration": (
        document(jobs=[job(tasks=[task(modes=[{"duration": -1}])])]),
        "jobs[0].tasks[0].modes[0].duration",
    ),
    "fractional duration": (
        document(jobs=[job(tasks=[task(modes=[{"duration": 1.5}])])]),
        "jobs[0].tasks[0].modes[0].duration",
    ),
    "not a number": (
        document(jobs=[job(tasks=[task(modes=[{"duration": float("nan")}])])]),
        "jobs[0].tasks[0].modes[0].duration",
    ),
    "huge duration": (
        document(jobs=[job(tasks=[task(modes=[{"duration": 10**15}])])]),
        "jobs[0].tasks[0].modes[0].duration",
    ),
    "periodic breaks without a period": (
        document(calendars=[{"id": "c", "periodic": [{"start": 0, "end": 2}]}]),
        "calendars[0].period",
    ),
    "period of 0": (document(calendars=[{"id": "c", "period": 0}]), "calendars[0].period"),
    "break beyond the period": (
        document(calendars=[{"id": "c", "period": 5, "periodic": [{"start": 4, "end": 6}]}]),
        "calendars[0].periodic",
    ),
    "periodic breaks out of order": (
        document(
            calendars=[
                {
                    "id": "c",
                    "period": 9,
                    "periodic": [{"start": 4, "end": 6}, {"start": 1, "end": 2}],
                }
            ]
        ),
        "calendars[0].periodic[1]",
    ),
    "efficiency above 1000": (
        document(calendars=[{"id": "c", "breaks": [{"start": 0, "end": 1, "efficiency": 1001}]}]),
        "calendars[0].breaks[0].efficiency",
    ),
    "periods that never meet": (
        document(
            calendars=[
                {"id": f"c{period}", "period": period, "periodic": [{"start": 0, "end": 1}]}
                for period in (10**9, 10**9 + 7)
            ]
        ),
        "calendars",
    ),
    "patterns of too many windows": (
        document(
            resources=[
                {"type": "machine", "id": "M1", "calendar": "c1009"},
                {"type": "renewable", "id": "crew", "capacity": 2, "calendar": "c1013"},
            ],
            calendars=[
                {
                    "id": f"c{period}",
                    "period": period,
                    "periodic": [{"start": k, "end": k + 1} for k in range(0, 200, 2)],
                }
                for period in (1009, 1013)
            ],
            jobs=[
                job(tasks=[task(modes=[{"duration": 1, "machine": "M1", "demands": {"crew": 1}}])])
            ],
        ),
        "calendars",
    ),
    "windows out of order": (
        document(
            jobs=[job(tasks=[task(windows=[{"start": 3, "end": 5}, {"start": 4, "end": 6}])])]
        ),
        "jobs[0].tasks[0].windows[1]",
    ),
    "unknown field": (document(jobs=[job(colour="red")]), "jobs[0].colour"),
    "missing id": (document(jobs=[{"tasks": [task()]}]), "jobs[0].id"),
    "unknown machine": (
        document(jobs=[job(tasks=[task(modes=[{"duration": 1, "machine": "M9"}])])]),
        "jobs[0].tasks[0].modes[0].machine",
    ),
    "demand for a machine": (
        document(jobs=[job(tasks=[task(modes=[{"duration": 1, "demands": {"M1": 1}}])])]),
        "jobs[0].tasks[0].modes[0].demands",
    ),
    "deadline before release": (document(jobs=[job(release=5, deadline=4)]), "jobs[0]"),
    "repeated job": (document(jobs=[job(), job(tasks=[task(id="u")])]), "jobs"),
    "repeated task": (document(jobs=[job(), job(id="K")]), "tasks"),
    "unknown calendar": (
        document(resources=[{"type": "machine", "id": "M1", "calendar": "none"}]),
        "resources[0].calendar",
    ),
    "steps out of order": (
        document(
            resources=[
                {
                    "type": "renewable",
                    "id": "crew",
                    "capacity": 1,
                    "steps": [{"start": 5, "capacity": 2}, {"start": 5, "capacity": 1}],
                }
            ],
            jobs=[job()],
        ),
        "resources[0].steps[1].start",
    ),
    "empty break": (
        document(calendars=[{"id": "c", "breaks": [{"start": 3, "end": 3}]}]),
        "calendars[0].breaks[0]",
    ),
    "unknown task in precedence": (
        document(precedences=[{"before": "a1", "after": "zz"}]),
        "precedences[0]",
    ),
    "task before itself": (
        document(precedences=[{"before": "a1", "after": "a1"}]),
        "precedences[0]",
    ),
    "no lag": (
        document(precedences=[{"before": "a1", "after": "b1", "min_lag": None}]),
        "precedences[0]",
    ),
    "lags crossed": (
        document(precedences=[{"before": "a1", "after": "b1", "min_lag": 3, "max_lag": 2}]),
        "precedences[0]",
    ),
    "cycle": (
        document(precedences=[{"before": "a1", "after": "b1"}, {"before": "b1", "after": "a1"}]),
        "precedences",
    ),
    "unknown measure": (document(objective="speed"), "objective.tiers[0].terms[0].measure"),
    "tardiness without due dates": (
        document(objective="total_tardiness"),
        "objective.tiers[0].terms",
    ),
    "another kind": (document(kind="placement"), "kind"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_fault_is_named_with_its_place(case: str) -> None:
    data, place = FAULTY[case]
    with pytest.raises(InputError) as caught:
        ScheduleProblem.model_validate(data)
    assert place in [fault.place for fault in caught.value.faults]


def test_all_faults_are_reported_at_once() -> None:
    data = document(
        jobs=[job(release=5, deadline=1, tasks=[task(modes=[])])],
        precedences=[{"before": "x", "after": "y"}],
        objective="late_jobs",
    )
    with pytest.raises(InputError) as caught:
        ScheduleProblem.model_validate(data)
    places = {fault.place for fault in caught.value.faults}
    assert places == {
        "jobs[0]",
        "jobs[0].tasks[0].modes",
        "precedences[0]",
        "objective.tiers[0].terms",
    }


def test_cycle_names_its_tasks() -> None:
    with pytest.raises(InputError, match=r"a1 -> b1 -> a1|b1 -> a1 -> b1"):
        ScheduleProblem.model_validate(FAULTY["cycle"][0])


@given(schedule_problems())
def test_json_round_trip(problem: ScheduleProblem) -> None:
    assert ScheduleProblem.model_validate_json(problem.model_dump_json()) == problem


def test_short_objectives() -> None:
    base = document(jobs=[job(due=3)])
    name = ScheduleProblem.model_validate({**base, "objective": "late_jobs"}).objective
    assert [tier.name for tier in name.tiers] == ["late_jobs"]
    mixed = ScheduleProblem.model_validate(
        {**base, "objective": [{"total_tardiness": 2, "makespan": 1}, "total_flow"]}
    ).objective
    assert [tier.name for tier in mixed.tiers] == ["2 total_tardiness + makespan", "total_flow"]


def test_builder_and_document_make_the_same_problem() -> None:
    model = ScheduleModel("pair")
    lathe = model.add_machine("lathe", calendar=model.add_calendar([(4, 6)], name="shift"))
    crew = model.add_renewable(3, steps=[(10, 1)], name="crew")
    stock = model.add_consumable(5, name="stock")
    first = model.add_job("first", chain=True, release=1, due=9, deadline=30, weight=2)
    one = model.add_task(first, duration=3, machine=lathe, demands={crew: 2}, name="one")
    two = model.add_task(first, name="two", release=2, deadline=20)
    model.add_mode(two, duration=2, demands={stock: 1})
    model.add_mode(two, duration=4)
    model.add_precedence(one, two, kind="start-start", min_lag=None, max_lag=8)
    model.minimize(["late_jobs", {"makespan": 1}])
    expected = ScheduleProblem.model_validate(
        {
            "name": "pair",
            "calendars": [{"id": "shift", "breaks": [{"start": 4, "end": 6}]}],
            "resources": [
                {"type": "machine", "id": "lathe", "calendar": "shift"},
                {
                    "type": "renewable",
                    "id": "crew",
                    "capacity": 3,
                    "steps": [{"start": 10, "capacity": 1}],
                },
                {"type": "consumable", "id": "stock", "capacity": 5},
            ],
            "jobs": [
                {
                    "id": "first",
                    "chain": True,
                    "release": 1,
                    "due": 9,
                    "deadline": 30,
                    "weight": 2,
                    "tasks": [
                        {
                            "id": "one",
                            "modes": [{"duration": 3, "machine": "lathe", "demands": {"crew": 2}}],
                        },
                        {
                            "id": "two",
                            "release": 2,
                            "deadline": 20,
                            "modes": [{"duration": 2, "demands": {"stock": 1}}, {"duration": 4}],
                        },
                    ],
                }
            ],
            "precedences": [
                {
                    "before": "one",
                    "after": "two",
                    "kind": "start-start",
                    "min_lag": None,
                    "max_lag": 8,
                }
            ],
            "objective": ["late_jobs", "makespan"],
        }
    )
    assert model.build() == expected


def test_builder_refuses_a_job_that_was_never_added() -> None:
    model = ScheduleModel()
    with pytest.raises(InputError, match="'ghost'"):
        model.add_task("ghost", duration=1)
    with pytest.raises(InputError, match="'ghost'"):
        model.add_mode("ghost", duration=1)
