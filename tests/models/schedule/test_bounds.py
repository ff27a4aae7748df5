"""Formula bounds: never above the optimum, and not trivial on shops and projects."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.bounds.relaxations import (
    fewest_late,
    largest_tail_first,
    mean_busy_times,
    shortest_remaining_first,
)
from scheduling.models.schedule.bounds.supply import Supply, first_fit, total
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.objective import JOB_MEASURES
from scheduling.models.schedule.problem import ScheduleProblem
from tests.brute_force import brute_force
from tests.properties import examples
from tests.strategies import schedule_problems

NUMBERS = st.lists(st.tuples(*[st.integers(1, 9)] * 3), min_size=1, max_size=5)


def bounds_of(problem: ScheduleProblem) -> list[int | None] | None:
    return formula_bounds(compile_arrays(problem))


def assert_valid(problem: ScheduleProblem) -> None:
    bounds, optimum = bounds_of(problem), brute_force(problem)
    if optimum is None:
        return
    assert bounds is not None, "claimed infeasible"
    for bound, value in zip(bounds, optimum, strict=True):
        assert bound is not None
        assert bound <= value


@examples(150)
@given(schedule_problems(max_jobs=3, max_tasks=2))
def test_bounds_hold_with_every_feature(problem: ScheduleProblem) -> None:
    assert_valid(problem)


@examples(150)
@given(schedule_problems(max_jobs=4, max_tasks=1, modes=3, feasible=True))
def test_bounds_hold_for_alternative_modes(problem: ScheduleProblem) -> None:
    assert_valid(problem)


@examples(100)
@given(
    schedule_problems(
        max_jobs=5, max_tasks=1, machines=1, precedences=0, deadlines=False, modes=1, tiers=1
    )
)
def test_bounds_hold_for_sums_over_jobs_on_one_machine(problem: ScheduleProblem) -> None:
    assert_valid(problem)


def jobs_on_one_machine(measure: str, jobs: list[tuple[int, int, int, int]]) -> ScheduleProblem:
    """Jobs ``(release, duration, due, weight)``."""
    model = ScheduleModel()
    machine = model.add_machine()
    for release, duration, due, weight in jobs:
        job = model.add_job(release=release, due=due, weight=weight)
        model.add_task(job, duration=duration, machine=machine)
    model.minimize(measure)
    return model.build()


@given(NUMBERS)
def test_largest_tail_first_equals_the_best_subset_bound(rows: list[tuple[int, int, int]]) -> None:
    release, work, tail = (list(column) for column in zip(*rows, strict=True))
    best = max(
        min(release[i] for i in subset)
        + sum(work[i] for i in subset)
        + min(tail[i] for i in subset)
        for size in range(1, len(rows) + 1)
        for subset in combinations(range(len(rows)), size)
    )
    assert largest_tail_first(Supply([(0, 1)]), release, work, tail) == best


@given(NUMBERS)
def test_rules_for_sums_stay_below_every_sequence(rows: list[tuple[int, int, int]]) -> None:
    release, work, weight = (list(column) for column in zip(*rows, strict=True))
    supply = Supply([(0, 1)])
    ends = shortest_remaining_first(supply, release, work)
    busy = mean_busy_times(supply, release, work, weight)
    half = sum(w * p for w, p in zip(weight, work, strict=True)) / 2
    for order in permutations(range(len(rows))):
        now, done = 0, {}
        for job in order:
            now = max(now, release[job]) + work[job]
            done[job] = now
        assert all(a <= b for a, b in zip(ends, sorted(done.values()), strict=True))
        assert busy + half <= sum(weight[job] * done[job] for job in order) + 1e-9


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), min_size=1, max_size=6))
def test_fewest_late_is_optimal(rows: list[tuple[int, int]]) -> None:
    due, work = (list(column) for column in zip(*rows, strict=True))
    fewest = len(rows)
    for order in permutations(range(len(rows))):
        ends = np.cumsum([work[job] for job in order])
        fewest = min(fewest, sum(end > due[job] for job, end in zip(order, ends, strict=True)))
    assert fewest_late(due, work) == fewest


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=5),
    st.integers(1, 30),
)
def test_supply_inverts_its_integral(changes: list[tuple[int, int]], work: int) -> None:
    moments = np.cumsum([0, *(span for span, _ in changes)]).tolist()
    levels = [*(level for _, level in changes), 2]
    supply = Supply(list(zip(moments, levels, strict=True)))
    slots = [levels[max(i for i, m in enumerate(moments) if m <= t)] for t in range(60)]
    totals = np.cumsum([0, *slots]).tolist()
    assert supply.work(range(60)) == totals[:60]
    assert supply.moment(work) == next(t for t, done in enumerate(totals) if done >= work)
    assert supply.moment(work) - 1 < supply.instant(work) <= supply.moment(work)


def test_first_fit_skips_what_is_too_short_or_too_low() -> None:
    steps = [(0, 2), (3, 0), (5, 1), (7, 3), (9, 0)]
    assert first_fit(steps, 0, 3, 2) == 0
    assert first_fit(steps, 1, 3, 1) == 5
    assert first_fit(steps, 0, 2, 3) == 7
    assert first_fit(steps, 0, 3, 3) is None
    assert first_fit(steps, 6, 3, 1) == 6


def test_total_adds_step_functions() -> None:
    assert total([[(0, 1), (4, 0), (6, 1)], [(0, 1), (5, 0)]]) == [(0, 2), (4, 1), (5, 0), (6, 1)]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("makespan", 12),
        ("total_completion", 22),
        ("total_flow", 20),
        ("total_tardiness", 3),
        ("max_tardiness", 3),
        ("max_lateness", 3),
        ("late_jobs", 1),
    ],
)
def test_bounds_on_one_machine_by_hand(measure: str, expected: int) -> None:
    # SRPT ends jobs at 3, 7 and 12; Jackson's schedule at the due dates 6, 7, 9 at 5, 10 and 12.
    jobs = [(0, 5, 6, 1), (1, 2, 9, 1), (1, 5, 7, 1)]
    assert bounds_of(jobs_on_one_machine(measure, jobs)) == [expected]


def random_shop(jobs: int, machines: int, measure: str = "makespan") -> ScheduleProblem:
    random = np.random.default_rng(7)
    model = ScheduleModel()
    names = [model.add_machine() for _ in range(machines)]
    for _ in range(jobs):
        job = model.add_job(chain=True, due=int(random.integers(20, 40 * machines)))
        for machine in random.permutation(machines):
            model.add_task(job, duration=int(random.integers(1, 40)), machine=names[machine])
    model.minimize(measure)
    return model.build()


@pytest.mark.parametrize("measure", JOB_MEASURES)
def test_bounds_of_shops_see_the_machines(measure: str) -> None:
    problem = random_shop(15, 5, measure)
    arrays = compile_arrays(problem)
    bounds = formula_bounds(arrays)
    alone = max(np.add.reduceat(arrays.duration, arrays.job_ptr[:-1]))
    finish = np.add.reduceat(arrays.duration, arrays.job_ptr[:-1])
    weights = arrays.weights[0, : len(JOB_MEASURES)]
    without_machines = weights @ arrays.job_measures(finish)
    assert bounds is not None
    assert bounds[0] is not None
    assert bounds[0] > without_machines
    assert measure != "makespan" or bounds[0] > alone


def test_alternative_machines_share_their_load() -> None:
    model = ScheduleModel()
    machines = [model.add_machine() for _ in range(2)]
    for _ in range(6):
        task = model.add_task(model.add_job())
        for machine in machines:
            model.add_mode(task, duration=5, machine=machine)
    assert bounds_of(model.build()) == [15]


def test_energy_and_capacity_steps() -> None:
    model = ScheduleModel()
    crew = model.add_renewable(4, steps=[(5, 0), (8, 2)])
    for _ in range(5):
        model.add_task(model.add_job(), duration=3, demands={crew: 2})
    # 20 units until 5, none until 8, then 2 at a time: 30 units are done at 13.
    assert bounds_of(model.build()) == [13]


def test_demands_above_half_the_capacity_exclude_each_other() -> None:
    model = ScheduleModel()
    crew = model.add_renewable(5)
    for _ in range(4):
        model.add_task(model.add_job(), duration=3, demands={crew: 3})
    assert bounds_of(model.build()) == [12]


def test_breaks_push_what_does_not_fit_before_them() -> None:
    model = ScheduleModel()
    machine = model.add_machine(calendar=model.add_calendar([(4, 10)]))
    model.add_task(model.add_job(), duration=5, machine=machine)
    assert bounds_of(model.build()) == [15]


@pytest.mark.parametrize("case", ["stock", "demand", "closed", "deadline", "load"])
def test_contradictions_are_seen(case: str) -> None:
    model = ScheduleModel()
    stock = model.add_consumable(3)
    crew = model.add_renewable(2, steps=[(10, 0)] if case in ("closed", "load") else [])
    machine = model.add_machine()
    demands = {"stock": {stock: 2}, "demand": {crew: 3}, "closed": {crew: 1}, "load": {crew: 2}}
    duration = {"closed": 11, "load": 6}.get(case, 5)
    job = model.add_job(deadline=9 if case == "deadline" else None)
    for _ in range(2):
        model.add_task(job, duration=duration, machine=machine, demands=demands.get(case, {}))
    assert bounds_of(model.build()) is None


def test_amounts_beyond_64_bits_are_exact() -> None:
    model = ScheduleModel()
    crew = model.add_renewable(10**9)
    for _ in range(3):
        model.add_task(model.add_job(), duration=10**12, demands={crew: 10**9})
    assert bounds_of(model.build()) == [3 * 10**12]


def test_the_bound_of_a_large_shop_is_at_least_its_largest_machine_load() -> None:
    random = np.random.default_rng(1)
    model = ScheduleModel()
    names = [model.add_machine() for _ in range(20)]
    for _ in range(500):
        job = model.add_job(chain=True)
        for machine in random.permutation(20):
            model.add_task(job, duration=int(random.integers(1, 100)), machine=names[machine])
    arrays = compile_arrays(model.build())
    load = np.bincount(arrays.machine, arrays.duration).max()
    bounds = formula_bounds(arrays)
    assert bounds is not None
    assert bounds[0] is not None
    assert load <= bounds[0] < 1.1 * load


def test_the_first_setup_is_none_behind_a_task_without_a_state() -> None:
    machine = {"type": "machine", "id": "m", "setups": [{"after": "blue", "time": 1}]}
    tasks = [
        {"id": "a", "modes": [{"duration": 1, "machine": "m"}]},
        {"id": "b", "modes": [{"duration": 1, "machine": "m", "state": "blue"}]},
    ]
    job = {"id": "j", "chain": True, "tasks": tasks}
    solution = sch.solve(
        ScheduleProblem.model_validate({"resources": [machine], "jobs": [job]}), work_limit=1
    )
    assert (solution.objective, solution.bound) == (2, 2)


def test_a_task_that_takes_longer_by_the_hours_leaves_less_behind_it() -> None:
    """What must follow its start soon need not follow its end: the lateness of the other is 0."""
    shift = {"id": "c", "breaks": [{"start": 2, "end": 7}], "period": 4}
    fast = {"start": 1, "end": 3, "efficiency": 200}
    long = {"id": "long", "interruptible": True, "modes": [{"duration": 5, "machine": "m"}]}
    problem = ScheduleProblem.model_validate(
        {
            "calendars": [{**shift, "periodic": [fast]}],
            "resources": [{"type": "machine", "id": "m", "calendar": "c"}],
            "jobs": [
                {"id": "j", "due": 1, "tasks": [{"id": "short", "modes": [{"duration": 1}]}]},
                {"id": "k", "tasks": [long]},
            ],
            "precedences": [
                {"before": "long", "after": "short", "kind": "start-start", "min_lag": -1}
            ],
            "objective": "max_lateness",
        }
    )
    assert brute_force(problem) == (0,)
    assert formula_bounds(compile_arrays(problem)) == [0]
