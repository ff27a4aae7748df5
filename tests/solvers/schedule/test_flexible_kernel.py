"""Flexible-job-shop kernels against the definition of a schedule, brute force and known optima."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.solvers.schedule.kernels import flexible
from scheduling.solvers.schedule.kernels.flexible_bounds import lower_bound
from scheduling.solvers.schedule.kernels.flexible_graph import FlexibleShop
from tests.properties import examples


@dataclass(frozen=True)
class Flexible:
    """A flexible shop in plain Python: alternatives per operation, arcs (before, after, lag)."""

    alternatives: list[list[tuple[int, int]]]
    arcs: list[tuple[int, int, int]]
    head: list[int]
    tail: list[int]

    def pointers(self) -> list[int]:
        return [0, *np.cumsum([len(choice) for choice in self.alternatives]).tolist()]

    def compile(self) -> FlexibleShop:
        flat = [alternative for choice in self.alternatives for alternative in choice]
        return flexible.flexible_shop_from_arcs(
            [arc[0] for arc in self.arcs],
            [arc[1] for arc in self.arcs],
            [arc[2] for arc in self.arcs],
            self.pointers(),
            [machine for machine, _ in flat],
            [duration for _, duration in flat],
            head=self.head,
            tail=self.tail,
        )

    def verify(self, schedule: flexible.FlexibleSchedule) -> None:
        """Assert that a schedule keeps every rule and states its objective truly."""
        starts = schedule.starts.tolist()
        pointers = self.pointers()
        ends, used = [], []
        for v, a in enumerate(schedule.alternatives.tolist()):
            assert pointers[v] <= a < pointers[v + 1]
            machine, duration = self.alternatives[v][a - pointers[v]]
            assert starts[v] >= self.head[v]
            ends.append(starts[v] + duration)
            used.append(machine)
        for u, w, lag in self.arcs:
            assert starts[w] >= ends[u] + lag
        seen = []
        for machine, sequence in enumerate(schedule.sequences):
            for v in sequence.tolist():
                assert used[v] == machine
                seen.append(v)
            for u, w in pairwise(sequence.tolist()):
                assert ends[u] <= starts[w]
        assert sorted(seen) == list(range(len(starts)))
        assert schedule.objective == max(e + t for e, t in zip(ends, self.tail, strict=True))

    def optimum(self) -> int:
        """Return the least objective, over all orders of dispatch and all alternatives."""
        n = len(self.alternatives)
        machines = 1 + max(machine for choice in self.alternatives for machine, _ in choice)
        best = [10**9]

        def dispatch(ends: dict[int, int], free: list[int], value: int) -> None:
            if value >= best[0]:
                return
            if len(ends) == n:
                best[0] = value
                return
            for v in range(n):
                before = [(u, lag) for u, w, lag in self.arcs if w == v]
                if v in ends or any(u not in ends for u, _ in before):
                    continue
                ready = max([self.head[v], *(ends[u] + lag for u, lag in before)])
                for machine, duration in self.alternatives[v]:
                    end = max(ready, free[machine]) + duration
                    after = free.copy()
                    after[machine] = end
                    dispatch({**ends, v: end}, after, max(value, end + self.tail[v]))

        dispatch({}, [-(10**9)] * machines, -(10**9))
        return best[0]


def random_flexible(seed: int, operations: int, machines: int, *, chains: bool) -> Flexible:
    """Draw a shop; zero durations, lags, heads and negative tails all occur."""
    rng = random.Random(seed)
    alternatives = []
    for _ in range(operations):
        eligible = rng.sample(range(machines), rng.randint(1, machines))
        alternatives.append([(machine, rng.randint(0, 9)) for machine in eligible])
    if chains:
        pairs = [(v, v + 1) for v in range(operations - 1) if rng.random() < 0.7]
    else:
        label = rng.sample(range(operations), operations)
        pairs = [
            (label[u], label[w])
            for w in range(operations)
            for u in range(w)
            if rng.random() < 1.5 / operations
        ]
    arcs = [(u, w, rng.choice([0, 0, 0, rng.randint(1, 6)])) for u, w in pairs]
    head = [rng.choice([0, 0, rng.randint(0, 12)]) for _ in range(operations)]
    tail = [rng.choice([0, 0, rng.randint(-8, 8)]) for _ in range(operations)]
    return Flexible(alternatives, arcs, head, tail)


SHOPS = st.builds(
    random_flexible,
    st.integers(0, 2**32),
    st.integers(1, 30),
    st.integers(1, 5),
    chains=st.booleans(),
)
TINY = st.builds(
    random_flexible,
    st.integers(0, 2**32),
    st.integers(1, 5),
    st.integers(1, 3),
    chains=st.booleans(),
)


@given(SHOPS, st.sampled_from(sorted(flexible.RULES)), st.sampled_from([0.0, 0.5]))
@examples(60)
def test_constructions_are_schedules(shop: Flexible, rule: str, noise: float) -> None:
    schedule = flexible.construct(shop.compile(), rule, noise=noise, seed=3)
    shop.verify(schedule)


@given(SHOPS, st.integers(0, 1000))
@examples(100)
def test_tabu_search_keeps_the_best_schedule(shop: Flexible, seed: int) -> None:
    state = flexible.new_search(shop.compile(), seed=seed, pool=3, patience=40)
    before = flexible.schedule_from_state(state).objective
    best, made = flexible.advance(state, 600)
    schedule = flexible.schedule_from_state(state)
    shop.verify(schedule)
    assert schedule.objective == best <= before
    assert made <= 600


@given(TINY)
@examples(60)
def test_bound_optimum_tabu(shop: Flexible) -> None:
    compiled = shop.compile()
    optimum = shop.optimum()
    state = flexible.new_search(compiled, pool=4, patience=50)
    best, _ = flexible.advance(state, 500)
    assert lower_bound(compiled) <= optimum <= best


def test_tabu_search_finds_small_optima() -> None:
    for seed in range(40):
        shop = random_flexible(seed, 6, 3, chains=seed % 2 == 0)
        optimum = shop.optimum()
        state = flexible.new_search(shop.compile(), pool=4, patience=50)
        assert flexible.advance(state, 4000, optimum)[0] == optimum, seed


@given(SHOPS)
@examples(40)
def test_slices_make_the_same_moves_as_one_run(shop: Flexible) -> None:
    compiled = shop.compile()
    whole = flexible.new_search(compiled, seed=7, pool=3, patience=30)
    parts = flexible.new_search(compiled, seed=7, pool=3, patience=30)
    flexible.advance(whole, 300)
    for size in (1, 99, 150, 50):
        flexible.advance(parts, size)
    for one, two in zip(whole.search, parts.search, strict=True):
        assert np.array_equal(one, two)


def test_search_stops_at_target() -> None:
    compiled = random_flexible(1, 30, 4, chains=True).compile()
    state = flexible.new_search(compiled)
    first = flexible.schedule_from_state(state).objective
    assert flexible.advance(state, 1000, first) == (first, 0)
    best, made = flexible.advance(state, 10_000, first - 1)
    assert best < first
    assert made < 10_000


@given(SHOPS, st.integers(0, 100))
@examples(40)
def test_schedule_survives_the_way_through_a_state(shop: Flexible, seed: int) -> None:
    compiled = shop.compile()
    given_schedule = flexible.construct(compiled, noise=1.0, seed=seed)
    state = flexible.new_search(compiled)
    flexible.inject(state, given_schedule.starts, given_schedule.alternatives)
    best = flexible.schedule_from_state(state)
    shop.verify(best)
    assert best.objective <= given_schedule.objective
    flexible.advance(state, 20)
    value = flexible.inject(state, given_schedule.starts, given_schedule.alternatives)
    assert value == given_schedule.objective
    flexible.advance(state, 20)
    shop.verify(flexible.schedule_from_state(state))


def test_injected_schedule_becomes_the_best() -> None:
    shop = random_flexible(5, 30, 4, chains=True)
    good = flexible.new_search(shop.compile(), seed=1)
    best, _ = flexible.advance(good, 5000)
    schedule = flexible.schedule_from_state(good)
    other = flexible.new_search(shop.compile(), seed=2)
    assert flexible.schedule_from_state(other).objective > best
    flexible.inject(other, schedule.starts, schedule.alternatives)
    assert flexible.schedule_from_state(other).objective == best


def test_cycle_is_refused() -> None:
    with pytest.raises(InputError, match="cycle"):
        flexible.flexible_shop_from_arcs([0, 1], [1, 0], [0, 0], [0, 1, 2], [0, 0], [1, 1])


def test_shop_without_operations() -> None:
    shop = flexible.flexible_shop_from_arcs([], [], [], [0], [], [], machines=2)
    assert lower_bound(shop) == 0
    state = flexible.new_search(shop)
    assert flexible.advance(state, 10) == (0, 0)
    assert flexible.schedule_from_state(state).objective == 0


def test_prices_beat_equal_shares() -> None:
    """Six operations, 2 on one machine or 4 on the other: prices 2 to 1 prove 8, shares only 6."""
    shop = flexible.flexible_shop_from_arcs([], [], [], range(0, 14, 2), [0, 1] * 6, [2, 4] * 6)
    assert lower_bound(shop) == 8


def read_flexible(path: Path) -> Flexible:
    """Read the .fjs format for the tests that need published instances."""
    lines = [[int(word) for word in line.split()] for line in path.read_text().splitlines()[1:]]
    alternatives: list[list[tuple[int, int]]] = []
    arcs = []
    for line in filter(None, lines):
        at = 1
        for i in range(line[0]):
            count = line[at]
            flat = line[at + 1 : at + 1 + 2 * count]
            at += 1 + 2 * count
            if i:
                arcs.append((len(alternatives) - 1, len(alternatives), 0))
            alternatives.append([(k - 1, d) for k, d in zip(flat[::2], flat[1::2], strict=True)])
    zeros = [0] * len(alternatives)
    return Flexible(alternatives, arcs, zeros, zeros)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "optimum"), [("mk01", 40), ("mk08", 523), ("la17_rdata", 646)])
def test_published_optimum_is_reached(shared_data: Path, name: str, optimum: int) -> None:
    shop = read_flexible(shared_data / "fjsp" / f"{name}.fjs")
    state = flexible.new_search(shop.compile(), seed=1)
    best, _ = flexible.advance(state, 200_000, optimum)
    assert best == optimum
    shop.verify(flexible.schedule_from_state(state))


@pytest.mark.shared
def test_bounds_never_exceed_best_known_values(shared_data: Path) -> None:
    folder = shared_data / "fjsp"
    known = json.loads((folder / "best_known.json").read_text())
    closed = 0
    for name, values in known.items():
        bound = lower_bound(read_flexible(folder / f"{name}.fjs").compile())
        assert bound <= values["ub"], name
        closed += bound == values["ub"]
    assert closed >= 28
