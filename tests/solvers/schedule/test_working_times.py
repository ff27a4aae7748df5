"""Periodic calendars, efficiency, pauses and time windows against the definitions."""

from __future__ import annotations

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.schedule.windows import horizon
from scheduling.solvers.explain import explain
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.family import CompiledSchedule
from tests.properties import examples
from tests.solvers.schedule import definitions
from tests.strategies import full_problems, shift_problems

TIMES = {"shifts": True, "efficiency": True, "interruptible": True, "windows": True}


@given(shift_problems(max_lags=True, steps=True))
@examples(80)
def test_cp_sat_finds_the_optimum(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0)


@given(full_problems(max_jobs=2, **TIMES))
@examples(50)
def test_cp_sat_finds_the_optimum_beside_all_other_rules(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0)


@given(shift_problems(optional=True, prices=True))
@examples(40)
def test_optional_tasks_and_prices_go_with_working_times(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0)


@given(shift_problems())
@examples(30)
def test_lns_proves_small_problems(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "lns", 2.0)


@given(shift_problems(max_lags=True, steps=True, deadlines=True))
@examples(60)
def test_bounds_by_formula_hold(problem: ScheduleProblem) -> None:
    definitions.bounded_by_formula(problem)


@given(full_problems(max_lags=False, max_jobs=2, **TIMES))
@examples(50)
def test_insertion_is_valid_and_no_better_than_the_optimum(problem: ScheduleProblem) -> None:
    definitions.no_better_than_the_optimum(problem, "insertion", 0.05)


@given(shift_problems(setups=True, no_wait=True, blocking=True))
@examples(40)
def test_hints_are_complete(problem: ScheduleProblem) -> None:
    definitions.hinted_in_full(problem)


@given(shift_problems(max_lags=True, deadlines=True, tiers=1, measures=("makespan",)))
@examples(60)
def test_conflicts_are_real_and_minimal(problem: ScheduleProblem) -> None:
    definitions.held_by_all_rules(problem)
    definitions.explained(problem)


def shop(weeks: int, *, interruptible: bool = False, expanded: bool = False) -> ScheduleProblem:
    """Jobs on two machines that work in shifts of hours, on every day of so many weeks."""
    nights = [(hour, hour + 1) for hour in range(0, 24, 3)]
    model = sch.ScheduleModel()
    if expanded:
        breaks = [(24 * day + a, 24 * day + b) for day in range(7 * weeks) for a, b in nights]
        calendar = model.add_calendar(breaks)
    else:
        calendar = model.add_calendar(period=24, periodic=nights)
    machines = [model.add_machine(calendar=calendar) for _ in range(2)]
    for number in range(6):
        job = model.add_job(chain=True, deadline=168 * weeks)
        for machine in machines[:: 1 if number % 2 else -1]:
            duration = 1 + number % 2 + (2 if interruptible else 0)
            model.add_task(job, duration=duration, machine=machine, interruptible=interruptible)
    model.add_task(model.add_job(release=168 * weeks - 30), duration=1, machine=machines[0])
    return model.build()


@pytest.mark.parametrize("interruptible", [False, True])
def test_models_do_not_grow_with_the_horizon(interruptible: bool) -> None:
    sizes = []
    for weeks in (20, 260):
        arrays = CompiledSchedule(shop(weeks, interruptible=interruptible)).arrays
        assert horizon(arrays) > 168 * weeks - 30
        proto = Formulation(arrays, 0).model.proto
        sizes.append((len(proto.variables), len(proto.constraints)))
        domains = sum(len(variable.domain) for variable in proto.variables)
        assert domains < 40 * len(proto.variables)
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("interruptible", [False, True])
def test_written_out_calendars_say_the_same(interruptible: bool) -> None:
    values = [
        sch.solve(
            shop(2, interruptible=interruptible, expanded=expanded), "cp-sat", work_limit=20.0
        ).objective
        for expanded in (False, True)
    ]
    assert values[0] == values[1]


def test_a_task_that_no_opening_holds_is_proven_and_explained() -> None:
    model = sch.ScheduleModel()
    nights = model.add_calendar(period=24, periodic=[(0, 6), (22, 24)], name="two shifts")
    press = model.add_machine("press", calendar=nights)
    model.add_task(model.add_job(), duration=17, machine=press)
    problem = model.build()
    assert CompiledSchedule(problem).bounds() is None
    assert sch.solve(problem, time_limit=1e6).status is Status.INFEASIBLE
    found = explain(problem, 1e6, workers=1)
    assert {label.kind for label in found.conflict} == {"calendar", "task"}
    assert "two shifts" in str(found)


def melting(start: int, end: int, **fields: object) -> tuple[ScheduleProblem, ScheduleSolution]:
    """One task of 4 on a machine at half speed from 10 to 14, closed from 14 to 16."""
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(10, 14, 50), (14, 16)])
    oven = model.add_machine("oven", calendar=calendar)
    task = model.add_task(model.add_job(), duration=4, machine=oven, **fields)  # type: ignore[arg-type]
    problem = model.build()
    best = sch.solve(problem, "cp-sat", work_limit=1.0, workers=1)
    entry = best.tasks[0].model_copy(update={"task": task, "start": start, "end": end})
    return problem, best.model_copy(update={"tasks": (entry,)})


@pytest.mark.parametrize(
    ("start", "end", "pausing", "broken"),
    [
        (3, 7, False, set()),
        (8, 14, False, set()),
        (8, 13, False, {"duration"}),
        (7, 13, False, {"duration"}),
        (9, 15, False, {"break"}),
        (9, 17, True, set()),
        (9, 16, True, {"break", "duration"}),
        (9, 18, True, {"duration"}),
        (14, 20, True, {"break"}),
        (15, 20, True, {"break"}),
        (16, 20, True, set()),
    ],
)
def test_the_check_counts_work(start: int, end: int, pausing: bool, broken: set[str]) -> None:
    problem, solution = melting(start, end, interruptible=pausing)
    found = {entry.constraint for entry in check_schedule(problem, solution)}
    assert found - {"objective", "bound", "gap", "status"} == broken


def test_the_check_sees_missed_windows() -> None:
    for start, broken in ((0, set()), (1, {"window"}), (5, {"window"}), (6, set())):
        problem, solution = melting(start, start + 4, windows=[(0, 4), (6, 10)])
        found = {entry.constraint for entry in check_schedule(problem, solution)}
        assert found - {"objective", "bound", "gap", "status"} == broken


def test_the_check_is_quick_on_long_tasks() -> None:
    model = sch.ScheduleModel()
    calendar = model.add_calendar([(10**9, 10**9 + 5)], period=2, periodic=[(0, 1, 50)])
    machine = model.add_machine(calendar=calendar)
    model.add_task(model.add_job(), duration=10**10, machine=machine, interruptible=True)
    problem = model.build()
    solution = sch.solve(problem, "insertion", work_limit=0.01, workers=1)
    assert solution.objective == 13_333_333_338
    assert check_schedule(problem, solution) == []


def test_a_task_that_takes_nothing_from_a_resource_cannot_pause_in_its_breaks() -> None:
    problem = ScheduleProblem.model_validate(
        {
            "calendars": [{"id": "night", "breaks": [{"start": 0, "end": 2}]}],
            "resources": [{"type": "renewable", "id": "r", "capacity": 1, "calendar": "night"}],
            "jobs": [
                {
                    "id": "j",
                    "tasks": [
                        {"id": "a", "modes": [{"duration": 1, "demands": {"r": 1}}]},
                        {
                            "id": "b",
                            "interruptible": True,
                            "modes": [{"duration": 0, "demands": {"r": 1}}],
                        },
                        {
                            "id": "c",
                            "interruptible": True,
                            "modes": [{"duration": 1, "demands": {"r": 0}}],
                        },
                    ],
                }
            ],
        }
    )
    for solver in ("sgs", "insertion", "cp-sat"):
        solution = sch.solve(problem, solver, work_limit=1, workers=1)
        assert solution.objective == 3


@pytest.mark.parametrize(
    ("machine", "crew", "best"),
    [
        ([], {"end": 1, "efficiency": 200}, 2),
        ([{"start": 0, "end": 3}], {"end": 1, "efficiency": 100}, 5),
        ([{"start": 1, "end": 3}], {"end": 9, "efficiency": 200}, 5),
    ],
)
def test_calendars_of_two_resources_count_together(
    machine: list[dict[str, int]], crew: dict[str, int], best: int
) -> None:
    calendars = [{"id": "m", "breaks": machine}, {"id": "c", "breaks": [{"start": 0, **crew}]}]
    resources = [
        {"type": "machine", "id": "M", "calendar": "m"},
        {"type": "renewable", "id": "C", "capacity": 1, "calendar": "c"},
    ]
    task = {"id": "t", "modes": [{"duration": 2, "machine": "M", "demands": {"C": 1}}]}
    problem = ScheduleProblem.model_validate(
        {"calendars": calendars, "resources": resources, "jobs": [{"id": "j", "tasks": [task]}]}
    )
    for solver in ("insertion", "cp-sat", "auto"):
        assert sch.solve(problem, solver, work_limit=1, workers=1).objective == best
