"""Job-shop kernels against an independent check, brute force and known optima."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.solvers.schedule.kernels import jobshop as js
from scheduling.solvers.schedule.kernels.jobshop_graph import IntArray
from tests.properties import examples

INT = np.int64

#: Machine, duration, delay, head and tail.
Operation = tuple[int, int, int, int, int]
Jobs = Sequence[Sequence[Operation]]


def op_table(jobs: Jobs) -> tuple[IntArray, list[IntArray]]:
    """Flatten jobs of (machine, duration, delay, head, tail) into kernel arrays."""
    flat = [op for job in jobs for op in job]
    ptr = np.concatenate(([0], np.cumsum([len(job) for job in jobs]))).astype(INT)
    columns = [np.array([op[k] for op in flat], dtype=INT) for k in range(5)]
    return ptr, columns


def build(jobs: Jobs) -> js.Shop:
    ptr, (machine, duration, delay, head, tail) = op_table(jobs)
    return js.make_shop(ptr, machine, duration, delay, head, tail)


def checked_objective(jobs: Jobs, starts: IntArray) -> int:
    """Verify a schedule from the definition alone and return its objective."""
    times = iter([int(start) for start in starts])
    by_machine: dict[int, list[tuple[int, int]]] = {}
    values = []
    for job in jobs:
        ready = None
        for machine, duration, delay, head, tail in job:
            start = next(times)
            end = start + duration
            assert start >= head
            assert ready is None or start >= ready
            ready = end + delay
            by_machine.setdefault(machine, []).append((start, end))
            values.append(end + tail)
    for spans in by_machine.values():
        for one, two in itertools.pairwise(sorted(spans)):
            assert two[0] >= one[1]
    return max(values)


def decoded(shop: js.Shop, sequence: IntArray) -> IntArray:
    """Earliest starts of sequences that must be feasible."""
    starts = js.schedule_from_sequences(shop, sequence)
    assert starts is not None
    return starts


def best_of(shop: js.Shop, search: js.Search) -> tuple[int, IntArray, IntArray]:
    """Best schedule of a search that has made one."""
    best = js.best_schedule(shop, search)
    assert best is not None
    return best


def brute_force(jobs: Jobs) -> int:
    """Optimum over all interleavings of the jobs, by depth-first enumeration."""
    long_ago = -(10**9)
    best = 10**9

    def extend(done: list[int], ready: list[int], free: dict[int, int], value: int) -> None:
        nonlocal best
        if value >= best:
            return
        if all(k == len(job) for k, job in zip(done, jobs, strict=True)):
            best = value
            return
        for j, k in enumerate(done):
            if k == len(jobs[j]):
                continue
            machine, duration, delay, head, tail = jobs[j][k]
            end = max(ready[j], free.get(machine, long_ago), head) + duration
            extend(
                [*done[:j], k + 1, *done[j + 1 :]],
                [*ready[:j], end + delay, *ready[j + 1 :]],
                {**free, machine: end},
                max(value, end + tail),
            )

    extend([0] * len(jobs), [long_ago] * len(jobs), {}, long_ago)
    return best


def random_jobs(seed: int, jobs: int, machines: int, length: int = 0, plain: bool = False) -> Jobs:
    generator = np.random.default_rng(seed)
    shop = []
    for _ in range(jobs):
        route = (
            generator.integers(0, machines, length) if length else generator.permutation(machines)
        )
        shop.append(
            [
                (int(m), int(generator.integers(1, 100)), 0, 0, 0)
                if plain
                else (
                    int(m),
                    int(generator.integers(0, 30)),
                    int(generator.integers(0, 8)),
                    int(generator.integers(0, 60)),
                    int(generator.integers(-50, 50)),
                )
                for m in route
            ]
        )
    return shop


operation = st.tuples(
    st.integers(0, 2), st.integers(0, 9), st.integers(0, 3), st.integers(0, 12), st.integers(-9, 9)
)
small_shop = st.lists(st.lists(operation, min_size=0, max_size=4), min_size=1, max_size=5).filter(
    any
)
tiny_shop = st.lists(st.lists(operation, min_size=1, max_size=3), min_size=1, max_size=3)


@given(small_shop, st.integers(0, len(js.RULES) - 1), st.booleans(), st.integers(0, 99))
@examples(150)
def test_dispatched_sequences_are_feasible_and_round_trip(
    jobs: Jobs, rule: int, active: bool, seed: int
) -> None:
    shop = build(jobs)
    sequence = js.dispatch(shop, rule, js.make_rng(seed), active, 0.3)
    starts = decoded(shop, sequence)
    assert checked_objective(jobs, starts) == js.objective(shop, starts)
    again = decoded(shop, js.sequences_from_starts(shop, starts))
    assert np.array_equal(starts, again)


@given(small_shop, st.integers(0, 99))
@examples(100)
def test_search_returns_feasible_schedules_with_the_objective_it_claims(
    jobs: Jobs, seed: int
) -> None:
    shop = build(jobs)
    search = js.make_search(shop, seed, population=3, patience=20)
    value, iterations = js.advance(shop, search, 300, js.MINUS_INFINITY)
    best, starts, _ = best_of(shop, search)
    assert iterations == 300
    assert value == best == checked_objective(jobs, starts)


@given(tiny_shop)
@examples(100)
def test_bound_below_optimum_and_search_reaches_it(jobs: Jobs) -> None:
    shop = build(jobs)
    optimum = brute_force(jobs)
    assert js.lower_bound(shop) <= optimum
    search = js.make_search(shop, 1, population=4, patience=30)
    value, _ = js.advance(shop, search, 2000, optimum)
    assert value == optimum


@given(
    st.lists(
        st.tuples(st.integers(-5, 15), st.integers(0, 8), st.integers(-9, 9)),
        min_size=1,
        max_size=7,
    )
)
@examples(150)
def test_jackson_bound_equals_subset_formula(rows: list[tuple[int, int, int]]) -> None:
    heads, durations, tails = (np.array(column, dtype=INT) for column in zip(*rows, strict=True))
    formula = max(
        min(r for r, _, _ in subset) + sum(p for _, p, _ in subset) + min(q for _, _, q in subset)
        for size in range(1, len(rows) + 1)
        for subset in itertools.combinations(rows, size)
    )
    assert js.jackson_preemptive_bound(heads, durations, tails) == formula


@pytest.mark.parametrize(
    "jobs",
    [
        random_jobs(1, 15, 8, plain=True),
        random_jobs(2, 12, 5, length=14),
        random_jobs(3, 40, 3),
    ],
    ids=["plain", "reentrant", "wide"],
)
def test_slices_and_seeds_give_the_same_search(jobs: Jobs) -> None:
    shop = build(jobs)
    whole = js.make_search(shop, 7, population=3, patience=100)
    sliced = js.make_search(shop, 7, population=3, patience=100)
    js.advance(shop, whole, 3000, js.MINUS_INFINITY)
    for size in (1, 999, 7, 1500, 493):
        js.advance(shop, sliced, size, js.MINUS_INFINITY)
    for one, two in zip(whole, sliced, strict=True):
        assert np.array_equal(one, two)
    best, starts, _ = best_of(shop, sliced)
    assert best == checked_objective(jobs, starts) >= js.lower_bound(shop)


def test_target_stops_the_search_and_a_better_solution_is_taken_in() -> None:
    jobs = random_jobs(4, 15, 8, plain=True)
    shop = build(jobs)
    strong = js.make_search(shop, 1)
    target, _ = js.advance(shop, strong, 20000, js.MINUS_INFINITY)
    _, _, sequence = best_of(shop, strong)
    search = js.make_search(shop, 2)
    js.advance(shop, search, 10, js.MINUS_INFINITY)
    assert js.inject(shop, search, sequence) == target
    value, iterations = js.advance(shop, search, 1000, target)
    assert (value, iterations) == (target, 10)


def test_search_beats_every_rule() -> None:
    jobs = random_jobs(5, 20, 10, plain=True)
    shop = build(jobs)
    rules = []
    for rule in range(len(js.RULES)):
        starts = decoded(shop, js.dispatch(shop, rule, js.make_rng(1)))
        rules.append(checked_objective(jobs, starts))
    search = js.make_search(shop, 1)
    value, _ = js.advance(shop, search, 5000, js.lower_bound(shop))
    assert value < 0.95 * min(rules)


def test_cyclic_sequences_are_refused() -> None:
    jobs = [[(0, 1, 0, 0, 0), (1, 1, 0, 0, 0)], [(1, 1, 0, 0, 0), (0, 1, 0, 0, 0)]]
    shop = build(jobs)
    cyclic = np.array([3, 0, 1, 2], dtype=INT)
    assert js.schedule_from_sequences(shop, cyclic) is None
    assert js.inject(shop, js.make_search(shop, 1), cyclic) is None


def test_best_schedule_is_none_before_the_first_step() -> None:
    shop = build([[(0, 3, 0, 0, 0)]])
    assert js.best_schedule(shop, js.make_search(shop, 1)) is None


def jsplib(name: str) -> Jobs:
    folder = os.environ.get("SCHEDULING_DATA")
    if not folder:
        pytest.skip("SCHEDULING_DATA is not set")
    lines = (Path(folder) / "jsp" / f"{name}.txt").read_text().splitlines()
    rows = [[int(word) for word in line.split()] for line in lines[1:] if line.strip()]
    return [
        [(m, p, 0, 0, 0) for m, p in zip(row[::2], row[1::2], strict=True) if m >= 0]
        for row in rows
    ]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "optimum"), [("ft06", 55), ("la01", 666), ("la16", 945), ("orb01", 1059)]
)
def test_known_optimum_is_reached(name: str, optimum: int) -> None:
    jobs = jsplib(name)
    shop = build(jobs)
    search = js.make_search(shop, 1)
    value, _ = js.advance(shop, search, 2_000_000, optimum)
    assert value == optimum == checked_objective(jobs, best_of(shop, search)[1])
