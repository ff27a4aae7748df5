"""Optional tasks, routes, mode rules, costs, energy and setups against the definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask
from scheduling.report.schedule.layout import build_chart
from scheduling.report.schedule.page import facts
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat.running import run, set_hint
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.explain import explain
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.explain import ScheduleConflict
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.neighbourhood.part import part_of
from tests.properties import examples
from tests.solvers.schedule import definitions
from tests.strategies import choice_problems

LIMIT = 10_000


def rule(**changes: Any) -> dict[str, Any]:
    return {"task": "a", "mode": 0, "other": "b", "modes": [0], **changes}


@given(choice_problems())
@examples(150)
def test_cp_sat_finds_the_optimum(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0, LIMIT)


@given(
    choice_problems(
        max_jobs=2, shifts=True, efficiency=True, interruptible=True, windows=True, steps=True
    )
)
@examples(60)
def test_cp_sat_finds_the_optimum_by_the_hours(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0, LIMIT)


@given(choice_problems())
@examples(80)
def test_bounds_by_formula_hold(problem: ScheduleProblem) -> None:
    definitions.bounded_by_formula(problem, LIMIT)


@given(choice_problems())
@examples(60)
def test_hints_are_complete(problem: ScheduleProblem) -> None:
    definitions.hinted_in_full(problem)


@given(choice_problems(max_lags=False))
@examples(80)
def test_insertion_is_valid_and_no_better_than_the_optimum(problem: ScheduleProblem) -> None:
    definitions.no_better_than_the_optimum(problem, "insertion", 0.1, LIMIT)


@pytest.mark.parametrize("solver", ["insertion", "lns", "auto"])
def test_a_skipped_task_with_a_release_counts_nowhere(solver: str) -> None:
    """Nor does it where a machine never stands still, and starts are moved together."""
    problem = ScheduleProblem.model_validate(
        {
            "resources": [{"type": "machine", "id": "m", "no_idle": True}],
            "jobs": [
                {"id": "j", "tasks": [{"id": "a", "modes": [{"duration": 2, "machine": "m"}]}]},
                {
                    "id": "k",
                    "tasks": [
                        {"id": "b", "modes": [{"duration": 1}]},
                        {"id": "c", "modes": [{"duration": 1}], "release": 9, "optional": True},
                    ],
                },
            ],
            "objective": ["makespan", "total_completion"],
        }
    )
    answer = sch.solve(problem, solver, work_limit=0.2, workers=1)
    assert [tier.objective for tier in answer.tiers] == [2, 3]


@given(choice_problems())
@examples(40)
def test_lns_stays_valid_and_proves_small_problems(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "lns", 2.0, LIMIT)


@given(choice_problems(max_jobs=4), st.integers(0, 2**10 - 1))
@examples(60)
def test_parts_hold_the_schedule_and_give_valid_ones(problem: ScheduleProblem, free: int) -> None:
    data = CompiledSchedule(problem)
    answer = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    assume(answer.objective is not None)
    whole = data.candidate(answer)
    assert whole is not None
    tasks = np.arange(data.arrays.n_tasks)
    part = part_of(data.arrays, whole, tasks, tasks[(free >> tasks) & 1 == 1], None)
    assert part.arrays.values(part.current.start, part.current.mode) == data.values(whole)
    formulation = Formulation(part.arrays, 0)
    set_hint(formulation.model, formulation.encode(part.current))
    result = run(formulation.model, sat_parameters(Budget(None, 5.0, 1, 0)))
    assert result.values is not None
    merged = part.merge(whole, formulation.decode(result.values))
    solution = data.answer(merged, {"status": Status.FEASIBLE})
    found = check_schedule(problem, solution)
    assert {entry.constraint for entry in found} <= {"objective", "status"}
    assert data.values(merged)[0] <= data.values(whole)[0]


@given(choice_problems())
@examples(60)
def test_all_rules_together_are_the_problem(problem: ScheduleProblem) -> None:
    definitions.held_by_all_rules(problem, LIMIT)


@given(choice_problems(max_jobs=2, deadlines=True, tiers=1, measures=("cost",)))
@examples(150)
def test_conflicts_are_real_and_minimal(problem: ScheduleProblem) -> None:
    definitions.explained(problem, LIMIT)


def test_routes_and_mode_rules_in_words() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine("m")
    job = model.add_job("j", chain=True)
    model.add_task(job, duration=2, machine=machine, name="a")
    model.add_task(job, duration=2, optional=True, deadline=1, name="b")
    model.add_task(job, duration=2, optional=True, deadline=2, name="c")
    model.add_alternative([["b"], ["c"]], within="a")
    task = model.add_task(model.add_job("k"), name="d")
    model.add_mode(task, duration=1)
    model.add_mode(task, duration=2)
    model.add_mode_rule("a", 0, "d", [1])
    found = explain(model.build(), 20.0)
    assert [str(label) for label in found.conflict] == [
        "task 'a' takes 2 on machine 'm'",
        "task 'b' takes 2 or is skipped",
        "task 'b' must end by 1",
        "task 'c' takes 2 or is skipped",
        "task 'c' must end by 2",
        "in job 'j' task 'c' starts no earlier than task 'a' ends, unless 'b' runs between them",
        "exactly one route runs if task 'a' runs: 'b'; or 'c'",
    ]
    texts = [str(label) for label in ScheduleConflict(model.build()).labels]
    assert "if task 'a' runs in mode 0, task 'd' runs in mode 1" in texts


def workshop() -> ScheduleProblem:
    """Two routes of which the quick one is dear, on machines with setups and idle power."""
    model = sch.ScheduleModel("workshop")
    mill = model.add_machine(
        "mill", setups={("red", "blue"): 2, ("blue", "red"): 2, (None, "red"): 1}, idle_power=2
    )
    job = model.add_job("j", chain=True)
    first = model.add_task(job, duration=2, machine=mill, state="red", cost=1, energy=3, name="a")
    model.add_task(job, duration=1, cost=9, optional=True, skip_cost=1, name="quick")
    model.add_task(job, duration=4, cost=2, optional=True, skip_cost=2, name="slow")
    last = model.add_task(job, name="z")
    model.add_mode(last, duration=2, machine=mill, state="blue", energy=1)
    model.add_mode(last, duration=2, energy=7)
    model.add_alternative([["quick"], ["slow"]], within=first)
    model.add_mode_rule(first, 0, last, [0])
    model.minimize([{"makespan": 1, "cost": 1}, {"energy": 1, "total_setup": 10}])
    return model.build()


def test_values_and_mutations() -> None:
    problem = workshop()
    best = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    rows = {entry.task: (entry.mode, entry.start, entry.end) for entry in best.tasks}
    assert rows == {"a": (0, 1, 3), "slow": (0, 3, 7), "z": (0, 7, 9)}
    assert [tier.objective for tier in best.tiers] == [9 + 1 + 1 + 2, 4 + 2 * 4 + 10 * (1 + 2)]

    def broken(changes: dict[str, tuple[int, int, int] | None]) -> set[str]:
        changed = {**rows, **changes}
        tasks = tuple(
            ScheduledTask(task=name, mode=row[0], start=row[1], end=row[2])
            for name, row in changed.items()
            if row is not None
        )
        return {v.constraint for v in sch.check(problem, best.model_copy(update={"tasks": tasks}))}

    assert broken({}) == set()
    assert "alternative" in broken({"slow": None})
    assert "alternative" in broken({"quick": (0, 3, 4)})
    assert "objective" in broken({"slow": None, "quick": (0, 3, 4)})
    assert "mode rule" in broken({"z": (1, 7, 9)})
    assert "precedence" in broken({"slow": (0, 2, 6)})
    assert "task" in broken({"a": None})
    assert "mode" in broken({"slow": (1, 3, 3)})


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"alternatives": [{"routes": [["a"]]}]}, "alternatives[0].routes[0]"),
        ({"alternatives": [{"routes": [["x"]]}]}, "alternatives[0].routes[0]"),
        ({"alternatives": [{"routes": []}]}, "alternatives[0].routes"),
        ({"alternatives": [{"routes": [["b"]], "within": "x"}]}, "alternatives[0].within"),
        ({"alternatives": [{"routes": [["b"], ["b"]]}]}, "alternatives"),
        (
            {
                "alternatives": [
                    {"routes": [["b"]], "within": "c"},
                    {"routes": [["c"]], "within": "b"},
                ]
            },
            "alternatives",
        ),
        ({"mode_rules": [rule(task="x")]}, "mode_rules[0].task"),
        ({"mode_rules": [rule(other="a")]}, "mode_rules[0]"),
        ({"mode_rules": [rule(mode=1)]}, "mode_rules[0].mode"),
        ({"mode_rules": [rule(modes=[0, 3])]}, "mode_rules[0].modes"),
        ({"mode_rules": [rule(modes=[])]}, "mode_rules[0].modes"),
    ],
)
def test_faults_of_choices_have_a_place(fields: dict[str, Any], place: str) -> None:
    tasks = [
        {"id": name, "modes": [{"duration": 1}], "optional": name != "a"}
        for name in ("a", "b", "c")
    ]
    with pytest.raises(sch.InputError) as caught:
        ScheduleProblem.model_validate({"jobs": [{"id": "J", "tasks": tasks}], **fields})
    assert {fault.place for fault in caught.value.faults} == {place}


def test_charts_and_formats_know_skipped_tasks(tmp_path: Path) -> None:
    problem = workshop()
    best = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    chart = build_chart(problem, best)
    assert (chart.missing, chart.skipped) == (0, 1)
    assert "1 optional task skipped." in facts(chart)
    with pytest.raises(sch.UnsupportedError, match="cannot hold"):
        sch.write(problem, tmp_path / "shop.fjs")
    sch.write(problem, tmp_path / "shop.yaml")
    assert sch.read(tmp_path / "shop.yaml") == problem
