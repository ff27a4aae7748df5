"""Shops without buffers: annealing and the exact model against all schedules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.bench.suites import cases
from scheduling.errors import UnsupportedError
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.problem import ScheduleProblem
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solving import solve

FT06_OPTIMUM = 63


@st.composite
def blocking_shops(draw: st.DrawFn, *, shortest: int = 0, jobs: int = 3) -> ScheduleProblem:
    """Job shops of a few chains, most of which block; machines may recur."""
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(draw(st.integers(2, 3)))]
    for number in range(draw(st.integers(2, jobs))):
        job = model.add_job(
            chain=True,
            blocking=not number or draw(st.integers(0, 3)) > 0,
            due=draw(st.integers(2, 8)),
            release=draw(st.integers(0, 2)),
            weight=draw(st.integers(0, 3)),
        )
        for _ in range(draw(st.integers(1 + (not number), 3))):
            machine = draw(st.sampled_from(machines))
            model.add_task(job, duration=draw(st.integers(shortest, 4)), machine=machine)
    model.minimize(draw(st.sampled_from(MEASURES[:7])))
    if draw(st.booleans()):
        model.forbid_swaps()
    return model.build()


@given(blocking_shops())
@examples(80)
def test_schedules_are_valid_and_no_better_than_the_best(problem: ScheduleProblem) -> None:
    answer = solve(problem, "blocking", work_limit=0.01, workers=1)
    assert sch.check(problem, answer) == []
    best = brute_force(problem)
    assert best is not None
    assert answer.bound <= best[0] <= answer.objective


@given(blocking_shops(shortest=1))
@examples(50)
def test_the_exact_model_loses_no_schedule(problem: ScheduleProblem) -> None:
    answer = solve(problem, "cp-sat", work_limit=5.0, workers=1)
    best = brute_force(problem)
    assert best is not None
    assert answer.objective == answer.bound == best[0]


@given(blocking_shops(shortest=1).filter(lambda p: p.objective.tiers[0].name == "makespan"))
@examples(40)
def test_small_makespans_are_the_best(problem: ScheduleProblem) -> None:
    answer = solve(problem, "blocking", work_limit=0.05, workers=1)
    best = brute_force(problem)
    assert best is not None
    assert answer.objective == best[0]


@pytest.mark.parametrize(("swap", "best"), [(True, 4), (False, 8)])
def test_jobs_swap_machines_only_where_they_may(swap: bool, best: int) -> None:
    model = sch.ScheduleModel()
    one, two = model.add_machine(), model.add_machine()
    for route in ((one, two), (two, one)):
        job = model.add_job(chain=True, blocking=True)
        for machine in route:
            model.add_task(job, duration=2, machine=machine)
    if not swap:
        model.forbid_swaps()
    assert solve(model.build(), "blocking", work_limit=0.01, workers=1).objective == best


def test_ft06_is_solved_the_same_way_each_time() -> None:
    document = sch.read("bundled:ft06").model_dump()
    document["jobs"] = [job | {"blocking": True} for job in document["jobs"]]
    problem = ScheduleProblem.model_validate(document)
    first, second = (
        solve(problem, "blocking", work_limit=3.0, workers=1, seed=1) for _ in range(2)
    )
    assert first.objective == FT06_OPTIMUM
    assert first.tasks == second.tasks
    assert [row[1:] for row in first.history] == [row[1:] for row in second.history]


@pytest.mark.shared
@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize("name", ["la01", "la04", "la05"])
def test_published_optima_are_found(name: str) -> None:
    (case,) = cases(f"bjsp/{name}")
    problem = sch.read(case.path, format=case.format)
    answer = solve(problem, "blocking", work_limit=8.0, workers=1)
    assert answer.objective == case.upper


def test_refusals() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine()
    model.add_task(model.add_job(), duration=2, machine=machine)
    with pytest.raises(UnsupportedError, match="use tabu"):
        solve(model.build(), "blocking")
    job = model.add_job(chain=True, blocking=True, deadline=99)
    for _ in range(2):
        model.add_task(job, duration=2, machine=machine)
    with pytest.raises(UnsupportedError, match="deadlines"):
        solve(model.build(), "blocking")
