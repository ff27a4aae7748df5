"""The checker: accepts what is valid, catches every mutation, recomputes every measure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status, TierValue
from scheduling.models.schedule.check import objective_values
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from tests.properties import examples
from tests.strategies import schedule_problems


def problem(**changes: Any) -> ScheduleProblem:
    base: dict[str, Any] = {
        "calendars": [{"id": "night", "breaks": [{"start": 10, "end": 12}]}],
        "resources": [
            {"type": "machine", "id": "M", "calendar": "night"},
            {
                "type": "renewable",
                "id": "crew",
                "capacity": 2,
                "steps": [{"start": 6, "capacity": 1}],
            },
            {"type": "consumable", "id": "steel", "capacity": 3},
        ],
        "jobs": [
            {
                "id": "A",
                "chain": True,
                "release": 1,
                "due": 6,
                "weight": 3,
                "deadline": 20,
                "tasks": [
                    {"id": "a1", "modes": [{"duration": 3, "machine": "M"}]},
                    {"id": "a2", "modes": [{"duration": 2, "demands": {"crew": 1}}]},
                ],
            },
            {
                "id": "B",
                "tasks": [
                    {
                        "id": "b1",
                        "modes": [
                            {"duration": 4, "machine": "M", "demands": {"steel": 2}},
                            {"duration": 3, "demands": {"crew": 2, "steel": 4}},
                        ],
                    }
                ],
            },
        ],
        "precedences": [
            {"before": "a1", "after": "a2", "kind": "end-end", "min_lag": 2, "max_lag": 5}
        ],
    }
    return ScheduleProblem.model_validate({**base, **changes})


VALID = {"a1": (0, 1, 4), "a2": (0, 4, 6), "b1": (0, 4, 8)}


def solution(places: dict[str, tuple[int, int, int]], value: int | None = None) -> Any:
    value = max(end for _, _, end in places.values()) if value is None else value
    tier = TierValue(name="makespan", objective=value)
    return ScheduleSolution(
        status=Status.FEASIBLE,
        objective=value,
        tiers=(tier,),
        tasks=tuple(
            ScheduledTask(task=task, mode=mode, start=start, end=end)
            for task, (mode, start, end) in places.items()
        ),
    )


def broken(places: dict[str, tuple[int, int, int]], **changes: Any) -> set[str]:
    return {v.constraint for v in sch.check(problem(**changes), solution(places))}


def test_valid_schedule_passes() -> None:
    assert sch.check(problem(), solution(VALID)) == []


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"a1": (0, 0, 3)}, "release"),
        ({"b1": (0, 3, 7)}, "machine"),
        ({"b1": (0, 7, 11)}, "break"),
        ({"a2": (0, 3, 5)}, "precedence"),
        ({"a2": (0, 8, 10)}, "precedence"),
        ({"a2": (0, 4, 7)}, "duration"),
        ({"b1": (1, 12, 15)}, "consumable"),
        ({"b1": (1, 5, 8)}, "capacity"),
        ({"b1": (2, 12, 15)}, "mode"),
        ({"a1": (0, 16, 19), "a2": (0, 19, 21)}, "deadline"),
        ({"zz": (0, 0, 0)}, "task"),
    ],
)
def test_each_rule_is_checked(change: dict[str, tuple[int, int, int]], constraint: str) -> None:
    assert constraint in broken({**VALID, **change})


def test_missing_and_repeated_tasks() -> None:
    short = {name: place for name, place in VALID.items() if name != "b1"}
    assert broken(short) == {"task"}
    twice = solution(VALID)
    twice = twice.model_copy(update={"tasks": (*twice.tasks, twice.tasks[0])})
    assert {v.constraint for v in sch.check(problem(), twice)} == {"task"}


def test_amounts_are_stated() -> None:
    (violation,) = [
        v
        for v in sch.check(problem(), solution({**VALID, "b1": (0, 7, 11)}))
        if v.constraint == "break"
    ]
    assert (violation.amount, violation.unit) == (1, "time units")
    assert str(violation) == "break: 'M': task 'b1' by 1 time units"


def test_wrong_certificates_are_caught() -> None:
    honest = solution(VALID)
    wrong_value = solution(VALID, value=7)
    assert {v.constraint for v in sch.check(problem(), wrong_value)} == {"objective"}
    claims = honest.model_copy(update={"status": Status.OPTIMAL})
    assert {v.constraint for v in sch.check(problem(), claims)} == {"status"}
    tier = TierValue(name="makespan", objective=8, bound=9, gap=1 / 9)
    high = honest.model_copy(update={"tiers": (tier,), "bound": 9, "gap": 1 / 9})
    assert "bound" in {v.constraint for v in sch.check(problem(), high)}
    silent = ScheduleSolution(status=Status.INFEASIBLE, objective=3)
    assert {v.constraint for v in sch.check(problem(), silent)} == {"objective"}


def test_measures_by_hand() -> None:
    measures = {
        "makespan": 8,
        "total_completion": 3 * 6 + 8,
        "total_flow": 3 * (6 - 1) + 8,
        "total_tardiness": 3 * 0,
        "max_lateness": 0,
        "max_tardiness": 0,
        "late_jobs": 0,
    }
    for measure, value in measures.items():
        assert objective_values(problem(objective=measure), solution(VALID)) == [value]
    late = {**VALID, "a2": (0, 6, 8)}
    for measure, value in {"total_tardiness": 6, "max_lateness": 2, "late_jobs": 3}.items():
        assert objective_values(problem(objective=measure), solution(late)) == [value]


@examples(60)
@given(schedule_problems(max_jobs=2, feasible=True, tiers=1), st.data())
def test_mutated_solutions_are_caught(found: ScheduleProblem, data: st.DataObject) -> None:
    answer = sch.solve(found, "cp-sat", work_limit=5.0, workers=1)
    assert sch.check(found, answer) == []
    number = data.draw(st.integers(0, len(answer.tasks) - 1))
    entry = answer.tasks[number]
    mutated = data.draw(
        st.sampled_from(
            [
                entry.model_copy(update={"end": entry.end + 1}),
                entry.model_copy(update={"start": entry.start - 1}),
                entry.model_copy(update={"mode": entry.mode + 9}),
                entry.model_copy(update={"start": -5, "end": entry.end - entry.start - 5}),
                entry.model_copy(update={"task": "stranger"}),
            ]
        )
    )
    tasks = (*answer.tasks[:number], mutated, *answer.tasks[number + 1 :])
    assert sch.check(found, answer.model_copy(update={"tasks": tasks})) != []


@given(schedule_problems(feasible=True))
def test_arrays_and_checker_agree_on_values(found: ScheduleProblem) -> None:
    from scheduling.solvers.schedule.family import CompiledSchedule

    answer = sch.solve(found, "cp-sat", work_limit=5.0, workers=1)
    assume(answer.tasks)
    data = CompiledSchedule(found)
    candidate = data.candidate(answer)
    assert candidate is not None
    assert list(data.values(candidate)) == objective_values(found, answer)
