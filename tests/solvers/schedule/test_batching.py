"""Machines that run batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat.running import Outcome, run
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.explain import ScheduleConflict
from scheduling.solvers.schedule.family import CompiledSchedule
from tests.brute_force import brute_force
from tests.properties import examples


@st.composite
def ovens(draw: st.DrawFn) -> ScheduleProblem:
    """Jobs that pass an oven, before or after a machine, in one of two states."""
    model = sch.ScheduleModel("ovens")
    room = draw(st.integers(1, 4))
    calendar = model.add_calendar([(3, 4)]) if draw(st.integers(0, 3)) == 0 else None
    oven = model.add_machine("oven", batch=room, calendar=calendar)
    saw = model.add_machine("saw")
    for _ in range(draw(st.integers(1, 4))):
        release, due = draw(st.integers(0, 3)), draw(st.integers(2, 9))
        job = model.add_job(chain=True, release=release, due=due, no_wait=draw(st.booleans()))
        if draw(st.booleans()):
            model.add_task(job, duration=draw(st.integers(0, 2)), machine=saw)
        size = draw(st.integers(1, room))
        state = draw(st.sampled_from([None, "hot"]))
        task = model.add_task(
            job, duration=draw(st.integers(0, 3)), machine=oven, size=size, state=state
        )
        if draw(st.integers(0, 3)) == 0:
            model.add_mode(task, duration=draw(st.integers(1, 3)), machine=saw)
    model.minimize(draw(st.sampled_from(["makespan", "total_tardiness"])))
    return model.build()


@given(ovens())
@examples(60)
def test_batches_equal_brute_force(problem: ScheduleProblem) -> None:
    best = brute_force(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=5.0, workers=1)
    quick = sch.solve(problem, "insertion", work_limit=0.05, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
        assert not quick.tasks
        return
    assert (solution.status, solution.objective) == (Status.OPTIMAL, best[0])
    assert quick.objective is None or quick.objective >= best[0]
    bounds = CompiledSchedule(problem).bounds()
    assert bounds is not None
    assert bounds[0] is None or bounds[0] <= best[0]
    budget = Budget(None, 10.0, 1, 0)
    conflict = ScheduleConflict(problem)
    assert conflict.holds(range(len(conflict.labels)), budget)
    data = CompiledSchedule(problem)
    candidate = data.candidate(solution)
    assert candidate is not None
    formulation = Formulation(data.arrays, 0)
    for index, value in enumerate(formulation.encode(candidate)):
        formulation.model.add(formulation.model.get_int_var_from_proto_index(index) == value)
    assert run(formulation.model, sat_parameters(budget)).outcome is Outcome.OPTIMAL


def kiln(count: int, *, states: int = 1, deadline: int | None = None) -> ScheduleProblem:
    model = sch.ScheduleModel("kiln")
    oven = model.add_machine("kiln", batch=3)
    for number in range(count):
        job = model.add_job(f"pot {number}", deadline=deadline)
        state = f"glaze {number % states}"
        model.add_task(job, duration=5, machine=oven, state=state, name=f"fire {number}")
    return model.build()


@pytest.mark.parametrize("name", ["insertion", "cp-sat", "auto"])
@pytest.mark.parametrize(("count", "states", "batches"), [(6, 1, 2), (7, 1, 3), (6, 3, 3)])
def test_full_batches(name: str, count: int, states: int, batches: int) -> None:
    problem = kiln(count, states=states)
    solution = sch.solve(problem, name, work_limit=2.0, workers=1)
    assert solution.objective == 5 * batches
    assert CompiledSchedule(problem).bounds() == [5 * batches]


def test_conflicts_name_the_batch() -> None:
    found = sch.explain(kiln(4, deadline=5), 20.0)
    assert found.status is Status.INFEASIBLE
    texts = {label.sentence for label in found.conflict}
    assert "machine 'kiln' runs at most 3 units at once" in texts
    found = sch.explain(kiln(2, states=2, deadline=5), 20.0)
    kinds = {label.kind for label in found.conflict}
    assert kinds == {"task", "deadline", "batch"}


def test_large_batches_are_bounded_and_improved() -> None:
    problem = kiln(31, states=4)
    solution = sch.solve(problem, "lns", work_limit=2.0, workers=1)
    assert solution.objective == 5 * 12
    assert solution.status is Status.OPTIMAL


def test_faults_of_batches() -> None:
    model = sch.ScheduleModel()
    other = model.add_machine("saw")
    oven = model.add_machine("oven", batch=2, no_idle=True, setups={("red", "blue"): 1})
    job = model.add_job(chain=True, blocking=True)
    model.add_task(job, duration=1, machine=oven, size=3)
    model.keep_order([other, oven])
    with pytest.raises(sch.InputError) as caught:
        model.build()
    assert sorted(fault.place for fault in caught.value.faults) == [
        "jobs[0].blocking",
        "jobs[0].tasks[0].modes[0].size",
        "resources[1].batch",
        "resources[1].batch",
        "same_order[0]",
    ]


def test_moves_to_and_from_an_oven_take_their_time() -> None:
    model = sch.ScheduleModel()
    saw, oven = model.add_machine("saw"), model.add_machine("oven", batch=2)
    for _ in range(2):
        job = model.add_job(chain=True)
        model.add_task(job, duration=1, machine=saw)
        model.add_task(job, duration=3, machine=oven)
    model.add_transport(saw, oven, 4)
    problem = model.build()
    for name in ("insertion", "cp-sat"):
        solution = sch.solve(problem, name, work_limit=2.0, workers=1)
        assert solution.objective == 9
    assert brute_force(problem) == (9,)
