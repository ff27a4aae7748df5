"""Blocking jobs with and without swaps, and machines that never stand still."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.family import CompiledSchedule
from tests.brute_force import TooLargeError, brute_force
from tests.properties import examples


def optimum(problem: ScheduleProblem) -> tuple[int, ...] | None:
    try:
        return brute_force(problem, 20_000)
    except TooLargeError:
        assume(False)
        raise


def ring(count: int, *, swap: bool) -> ScheduleProblem:
    """Jobs that each start on one machine of a ring and then want the next one."""
    model = sch.ScheduleModel("ring")
    machines = [model.add_machine() for _ in range(count)]
    for number in range(count):
        job = model.add_job(chain=True, blocking=True)
        model.add_task(job, duration=2, machine=machines[number])
        model.add_task(job, duration=2, machine=machines[(number + 1) % count])
    if not swap:
        model.forbid_swaps()
    return model.build()


@pytest.mark.parametrize("count", [2, 3])
def test_a_ring_needs_a_swap_or_more_time(count: int) -> None:
    assert sch.solve(ring(count, swap=True), "cp-sat", work_limit=5.0).objective == 4
    apart = sch.solve(ring(count, swap=False), "cp-sat", work_limit=5.0)
    assert (apart.status, apart.objective) == (Status.OPTIMAL, 8)


def test_chains_of_moves_at_one_moment_are_no_swaps() -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(4)]
    for number in range(3):
        job = model.add_job(chain=True, blocking=True)
        for machine in machines[number : number + 2]:
            model.add_task(job, duration=3, machine=machine)
    model.forbid_swaps()
    solution = sch.solve(model.build(), "cp-sat", work_limit=5.0)
    assert (solution.status, solution.objective) == (Status.OPTIMAL, 6)


@st.composite
def blocking_shops(draw: st.DrawFn) -> ScheduleProblem:
    """Two or three blocking jobs on crossing paths, some tasks with a choice or without time."""
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(draw(st.integers(2, 3)))]
    paths = list(permutations(machines, 2)) + [(name, name) for name in machines]
    for _ in range(draw(st.integers(2, 3))):
        job = model.add_job(chain=True, blocking=True)
        for machine in draw(st.sampled_from(paths)):
            task = model.add_task(job, duration=draw(st.integers(0, 2)), machine=machine)
            if draw(st.integers(0, 4)) == 0:
                other = draw(st.sampled_from(machines))
                model.add_mode(task, duration=draw(st.integers(0, 2)), machine=other)
    model.forbid_swaps()
    return model.build()


@given(blocking_shops())
@examples(80)
def test_no_swaps_equals_brute_force(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    assert best is not None
    for name in ("cp-sat", "lns"):
        solution = sch.solve(problem, name, work_limit=5.0, workers=1)
        assert (solution.status, solution.objective) == (Status.OPTIMAL, best[0])
    quick = sch.solve(problem, "insertion", work_limit=0.05, workers=1)
    assert quick.objective is not None
    assert quick.objective >= best[0]


@st.composite
def no_idle_shops(draw: st.DrawFn) -> ScheduleProblem:
    """Flow shops whose machines do not stand still, some with setups or kept by blocking jobs."""
    model = sch.ScheduleModel()
    states = ("red", "blue")
    machines = []
    for _ in range(draw(st.integers(1, 3))):
        pairs = st.tuples(st.sampled_from([None, *states]), st.sampled_from(states))
        setups = draw(st.dictionaries(pairs, st.integers(1, 3), max_size=2))
        machines.append(model.add_machine(setups=setups, no_idle=draw(st.integers(0, 3)) > 0))
    for _ in range(draw(st.integers(1, 3))):
        job = model.add_job(
            chain=True, blocking=draw(st.booleans()), release=draw(st.integers(0, 3))
        )
        for machine in machines[: draw(st.integers(1, 2))]:
            time, state = draw(st.integers(0, 3)), draw(st.sampled_from(states))
            task = model.add_task(job, duration=time, machine=machine, state=state)
            if draw(st.integers(0, 4)) == 0:
                model.add_mode(task, duration=2, machine=draw(st.sampled_from(machines)))
    return model.build()


@given(no_idle_shops())
@examples(80)
def test_no_idle_equals_brute_force(problem: ScheduleProblem) -> None:
    best = optimum(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=5.0, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert (solution.status, solution.objective) == (Status.OPTIMAL, best[0])
    quick = sch.solve(problem, "insertion", work_limit=0.05, workers=1)
    if quick.tasks:
        assert best is not None
        assert quick.objective is not None
        assert quick.objective >= best[0]


@pytest.mark.parametrize("name", ["insertion", "cp-sat", "auto"])
def test_flow_shops_without_idle_delay_their_starts(name: str) -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine(no_idle=True) for _ in range(3)]
    for times in ((1, 4, 1), (3, 1, 2), (2, 2, 4)):
        job = model.add_job(chain=True)
        for machine, time in zip(machines, times, strict=True):
            model.add_task(job, duration=time, machine=machine)
    problem = model.build()
    best = brute_force(problem)
    solution = sch.solve(problem, name, work_limit=2.0, workers=1)
    assert best is not None
    assert solution.objective == best[0]


def test_no_idle_with_a_calendar_is_a_fault() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine(calendar=model.add_calendar([(1, 2)]), no_idle=True)
    model.add_task(model.add_job(), duration=1, machine=machine)
    with pytest.raises(sch.InputError) as caught:
        model.build()
    assert [fault.place for fault in caught.value.faults] == ["resources[0].no_idle"]


def test_features_have_names() -> None:
    problem = ring(2, swap=False)
    assert CompiledSchedule(problem).arrays.features == {"blocking", "no swap"}
