"""Offloading: shared processors, marginal delays, the exact front, rules."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.instances.offload.mobile_tasks import mobile_tasks
from scheduling.models.offload.delays import (
    Job,
    costs,
    marginal_delay,
    sharing_completions,
    total_delay,
)
from scheduling.models.offload.problem import OffloadProblem
from scheduling.solvers.offload.front import exact_front, volume
from scheduling.solvers.offload.rules import (
    ant_colony,
    greedy,
    greedy_front,
    least_loaded,
    round_robin,
)

jobs_lists = st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 4)), min_size=1, max_size=7)


@settings(max_examples=60, deadline=None)
@given(jobs_lists)
def test_shared_servers_conserve_work(jobs: list[Job]) -> None:
    ends = sharing_completions(jobs)
    now = 0.0
    for arrival, work in sorted(jobs):
        now = max(now, arrival) + work
    assert max(ends) == pytest.approx(now)
    for end, (arrival, work) in zip(ends, jobs, strict=True):
        assert end >= arrival + work - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0.01, 3)), max_size=6), st.floats(0.01, 5))
def test_marginal_delay_in_closed_form(jobs: list[Job], work: float) -> None:
    now = 2.0
    rests = _rests(jobs, now)
    expected = work + 2.0 * sum(min(rest, work) for rest in rests)
    assert marginal_delay(jobs, (now, work)) == pytest.approx(expected, abs=1e-9)


def _rests(jobs: list[Job], until: float) -> list[float]:
    """Serve all present jobs equally in the small steps between arrivals and completions."""
    rest = [work for _, work in jobs]
    now = 0.0
    while now < until:
        present = [k for k, (a, _) in enumerate(jobs) if a <= now and rest[k] > 1e-15]
        cuts = [a - now for a, _ in jobs if a > now] + [until - now]
        step = min(cuts)
        if present:
            step = min(step, min(rest[k] for k in present) * len(present))
            for k in present:
                rest[k] -= step / len(present)
        now += step
    return [max(0.0, value) for value in rest]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3))
def test_the_front_is_that_of_all_assignments(seed: int, tasks: int, servers: int) -> None:
    problem = mobile_tasks(tasks=tasks, servers=servers, gap=0.2, seed=seed)
    found = exact_front(problem)
    every = {one: costs(problem, one) for one in product(range(servers), repeat=tasks)}
    for point in found:
        delay, energy = every[point.assignment]
        assert (point.delay_seconds, point.joules) == pytest.approx((delay, energy))
    for delay, energy in every.values():
        assert any(
            point.delay_seconds <= delay + 1e-9 and point.joules <= energy + 1e-9 for point in found
        )
    pairs = list(pairwise(found))
    assert all(a.delay_seconds <= b.delay_seconds and a.joules > b.joules for a, b in pairs)


def test_greedy_reaches_nine_tenths_of_the_exact_area() -> None:
    for seed in range(3):
        problem = mobile_tasks(tasks=12, servers=3, seed=seed)
        best, found = exact_front(problem), greedy_front(problem)
        baselines = [costs(problem, rule(problem)) for rule in (round_robin, least_loaded)]
        points = [*((p.delay_seconds, p.joules) for p in (*best, *found)), *baselines]
        reference = 1.1 * max(p[0] for p in points), 1.1 * max(p[1] for p in points)
        assert 0.9 <= volume(found, reference) / volume(best, reference) <= 1.0


def test_greedy_at_its_ends() -> None:
    problem = mobile_tasks(tasks=6, servers=3, seed=1)
    saving = greedy(problem, 0.0)
    least = sum(min(offer.joules for offer in task.offers) for task in problem.tasks)
    assert costs(problem, saving)[1] == pytest.approx(least)
    assert costs(problem, greedy(problem, 1.0))[0] <= costs(problem, saving)[0]


def test_ants_are_at_least_as_good_as_where_they_start() -> None:
    problem = mobile_tasks(tasks=8, servers=3, gap=0.1, seed=2)
    first = tuple(
        min(range(3), key=lambda k: task.offers[k].upload_seconds + task.offers[k].work_seconds)
        for task in problem.tasks
    )
    found = ant_colony(problem, 1.0, seed=5)
    assert costs(problem, found)[0] < costs(problem, first)[0]
    assert found == ant_colony(problem, 1.0, seed=5)


def test_equal_jobs_share_equally() -> None:
    assert sharing_completions([(0.0, 1.0), (0.0, 1.0)]) == [2.0, 2.0]
    assert sharing_completions([(0.0, 2.0), (1.0, 1.0), (9.0, 1.0)]) == [3.0, 3.0, 10.0]
    assert total_delay([(0.0, 2.0), (1.0, 1.0)]) == 5.0


def test_files_and_faults(tmp_path: Path) -> None:
    problem = generate("mobile-tasks", {"tasks": 4, "seed": 1})
    sch.write(problem, tmp_path / "tasks.yaml")
    assert sch.read(tmp_path / "tasks.yaml") == problem
    offer = {"server": "a", "work_seconds": 1.0, "joules": 1.0}
    with pytest.raises(InputError) as caught:
        OffloadProblem.model_validate({"tasks": [{"id": "t", "offers": [offer, offer]}]})
    assert caught.value.faults[0].place == "tasks[0].offers"
    with pytest.raises(UnsupportedError, match="greedy_front"):
        exact_front(mobile_tasks(tasks=30))
