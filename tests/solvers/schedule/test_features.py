"""Setups, reservoirs, blocking, transfers, common modes and orders against the definitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat.running import Outcome, run
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.family import FAMILY, CompiledSchedule
from scheduling.solvers.schedule.features import EVERYTHING
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solvers.schedule import definitions
from tests.solving import solve
from tests.strategies import full_problems


@given(full_problems())
@examples(120)
def test_cp_sat_finds_the_optimum(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "cp-sat", 20.0)


@given(full_problems())
@examples(60)
def test_bounds_by_formula_hold(problem: ScheduleProblem) -> None:
    definitions.bounded_by_formula(problem)


@given(full_problems(max_lags=False))
@examples(80)
def test_insertion_is_valid_and_no_better_than_the_optimum(problem: ScheduleProblem) -> None:
    definitions.no_better_than_the_optimum(problem, "insertion", 0.1)


@given(full_problems())
@examples(50)
def test_lns_stays_valid_and_proves_small_problems(problem: ScheduleProblem) -> None:
    definitions.exact(problem, "lns", 2.0)


@given(full_problems())
@examples(60)
def test_hints_are_complete(problem: ScheduleProblem) -> None:
    definitions.hinted_in_full(problem)


@given(full_problems())
@examples(60)
def test_all_rules_together_are_the_problem(problem: ScheduleProblem) -> None:
    definitions.held_by_all_rules(problem)


@given(full_problems(max_jobs=2, deadlines=True, tiers=1, measures=("makespan",)))
@examples(200)
def test_conflicts_are_real_and_minimal(problem: ScheduleProblem) -> None:
    definitions.explained(problem)


@st.composite
def no_wait_shops(draw: st.DrawFn) -> ScheduleProblem:
    """Flow shops without waiting, in which every two jobs share a machine."""
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(2, 4))):
        job = model.add_job(chain=True, no_wait=True, due=4, release=draw(st.integers(0, 3)))
        for machine in machines:
            model.add_task(job, duration=draw(st.integers(1, 5)), machine=machine)
    model.minimize(draw(st.sampled_from(["makespan", "total_completion", "total_tardiness"])))
    return model.build()


@given(no_wait_shops())
@examples(40)
def test_tours_through_jobs_without_waiting(problem: ScheduleProblem) -> None:
    best = brute_force(problem, definitions.LIMIT)
    data = CompiledSchedule(problem)
    formulation = Formulation(data.arrays, 0)
    assert any(constraint.has_circuit() for constraint in formulation.model.proto.constraints)
    result = run(formulation.model, sat_parameters(Budget(None, 20.0, 1, 0)))
    assert result.values is not None
    candidate = formulation.decode(result.values)
    assert data.values(candidate) == best
    fixed = Formulation(data.arrays, 0)
    for index, value in enumerate(fixed.encode(candidate)):
        fixed.model.add(fixed.model.get_int_var_from_proto_index(index) == value)
    assert run(fixed.model, sat_parameters(Budget(None, 10.0, 1, 0))).outcome is Outcome.OPTIMAL


def one_of_each() -> dict[str, ScheduleProblem]:
    """One feasible problem for each feature."""
    found: dict[str, ScheduleProblem] = {}
    for feature in sorted(EVERYTHING):
        model = sch.ScheduleModel()
        setups: dict[tuple[str | None, str], int] = {}
        if feature in ("setups", "total setup in the objective"):
            setups = {("red", "blue"): 2, ("blue", "red"): 3}
        no_idle, batch = feature == "no idle", 2 if feature == "batching" else None
        calendar = None
        if feature in ("periodic calendars", "efficiency", "interruptible tasks"):
            periodic = [(8, 12)] if feature == "periodic calendars" else []
            breaks = [(2, 9, 50)] if feature == "efficiency" else [(5, 9)]
            period = 12 if periodic else None
            calendar = model.add_calendar(breaks, period=period, periodic=periodic)
        machines = [
            model.add_machine(setups=setups, no_idle=no_idle, calendar=calendar, batch=batch)
            for _ in range(2)
        ]
        tank = {model.add_reservoir(0): 1} if feature == "reservoirs" else {}
        blocking, same_mode = feature in ("blocking", "no swap"), feature == "same mode"
        tasks = []
        for number, path in enumerate((machines, machines, machines[::-1])):
            job = model.add_job(chain=True, blocking=blocking, same_mode=same_mode)
            for position, machine in enumerate(path):
                skipped = feature == "optional tasks" and number == 2
                task = model.add_task(
                    job,
                    optional=skipped,
                    interruptible=feature == "interruptible tasks",
                    windows=[(0, 9), (11, 90)] if feature == "time windows" else (),
                )
                tasks.append(task)
                state = ("red", "blue")[number % 2]
                changes: dict[str, Any] = {"supplies" if position else "demands": tank}
                changes = changes if number else {}
                changes = changes or {"supplies": tank}
                model.add_mode(task, duration=3, machine=machine, state=state, **changes)
                model.add_mode(task, duration=4, machine=machine, state=state, **changes)
        if feature == "transfers":
            model.add_precedence(tasks[0], tasks[3], transfer=9)
        if feature == "transports":
            model.add_transport(machines[0], machines[1], 4)
        if feature == "same order":
            model.keep_order(machines)
        if feature == "no swap":
            model.forbid_swaps()
        if feature == "optional tasks":
            model.add_alternative([tasks[4:5], tasks[5:6]])
        if feature == "mode rules":
            model.add_mode_rule(tasks[0], 0, tasks[1], [1])
        if feature.endswith("in the objective"):
            measure = feature.removesuffix(" in the objective").replace(" ", "_")
            model.minimize([{"makespan": 1, measure: 2}])
        found[feature] = model.build()
    return found


@pytest.mark.parametrize("feature", sorted(EVERYTHING))
def test_each_feature_is_solved_or_refused(feature: str) -> None:
    problem = one_of_each()[feature]
    data = CompiledSchedule(problem)
    needed = {"no swap": "blocking", "total setup in the objective": "setups"}
    assert data.arrays.features == {feature, needed.get(feature, feature)}
    best = solve(problem, "cp-sat", work_limit=20.0, workers=1)
    assert best.status is Status.OPTIMAL
    for name in FAMILY.solvers:
        solver = FAMILY.solver(name)
        refusal = solver.refusal(data)
        shops = feature == "setups" and name in ("dispatch", "giffler-thompson")
        if shops or name in ("cp-sat", "lns", "insertion", "auto"):
            assert refusal is None
            solution = solve(problem, name, work_limit=1.0, workers=1)
            assert solution.tasks
            assert solution.objective >= best.objective
        elif name not in ("heft", "cpop", "peft"):
            assert refusal is not None


@pytest.mark.parametrize("feature", ["setups", "reservoirs", "blocking", "transports"])
def test_schedules_moved_too_early_are_caught(feature: str) -> None:
    problem = one_of_each()[feature]
    best = solve(problem, "cp-sat", work_limit=20.0, workers=1)
    last = max(best.tasks, key=lambda entry: entry.end)
    moved = [
        entry.model_copy(update={"start": entry.start - 1, "end": entry.end - 1})
        if entry.task == last.task
        else entry
        for entry in best.tasks
    ]
    changed = best.model_copy(update={"tasks": tuple(moved)})
    assert check_schedule(problem, changed)
