"""Scenarios of mixtures of experts: rules against optima, replays against certified caches."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import CheckError, InputError
from scheduling.instances.caching.routing import RoutingTrace, routing_trace
from scheduling.instances.schedule.expert_parts import NANOSECONDS
from scheduling.instances.schedule.gradient_exchange import BackwardLayer, exchange_gradients
from scheduling.instances.schedule.random_layers import hybrid_layer
from scheduling.models.base import Status
from scheduling.models.schedule.bit_planes import SlicedExperts
from scheduling.models.schedule.expert_layers import HybridLayer
from scheduling.scenarios import (
    apex_hybrid,
    d2moe,
    expert_caches,
    expertflow,
    fsmoe,
    hybrimoe,
    moe_lrc,
    tpi_llm,
)
from scheduling.scenarios.scenario import Run
from scheduling.solvers.schedule.expert_layers import hybrimoe as rule
from tests.properties import examples
from tests.solving import limit_by_work

RELAXED = examples(40, suppress_health_check=list(HealthCheck))

times = st.integers(1, 20)


@st.composite
def hybrid_layers(draw: st.DrawFn) -> HybridLayer:
    count = draw(st.integers(1, 5))
    rows = [(draw(times), draw(times), draw(st.one_of(st.just(0), times))) for _ in range(count)]
    cpu, gpu, load = np.array(rows, np.int64).T
    return HybridLayer(cpu, gpu, load)


@RELAXED
@given(layer=hybrid_layers())
def test_hybrid_layers_by_brute_force(layer: HybridLayer) -> None:
    choices = [np.array(chosen) for chosen in product([False, True], repeat=len(layer.cpu))]
    best = min(layer.makespan(chosen) for chosen in choices)
    assert layer.bound() <= best <= layer.makespan(rule(layer))
    for chosen in choices[:8]:
        assert sch.check(layer.problem(), layer.schedule(chosen)) == []
    answer = sch.solve(layer.problem(), "cp-sat", work_limit=10, workers=1)
    assert (answer.objective, answer.status) == (best, Status.OPTIMAL)


def test_rule_of_hybrid_layers_by_hand() -> None:
    # Cached: the GPU. Then the heaviest comes over the link while the CPU takes the light one.
    layer = HybridLayer(np.array([9, 8, 4]), np.array([2, 2, 2]), np.array([0, 3, 3]))
    assert rule(layer).tolist() == [True, True, False]
    assert layer.makespan(rule(layer)) == 5


def test_large_layers_are_near_their_bound() -> None:
    for seed in range(3):
        layer = hybrid_layer(256, 4096, 0.25, 1.0, seed)
        assert layer.makespan(rule(layer)) <= 1.1 * layer.bound()


def test_hybrimoe_splits_and_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_by_work(monkeypatch, hybrimoe, 0.3)
    small, large, cache = hybrimoe.run(Run(1e6))
    assert "optimum (24 of 24 proven)" in small.verdict
    assert small.gap is not None
    assert small.gap < 0.05
    assert large.gap is not None
    assert large.gap < 0.1
    assert cache.baseline_value is not None
    assert cache.value >= cache.baseline_value + 5


@st.composite
def sliced_experts(draw: st.DrawFn) -> SlicedExperts:
    planes = [draw(st.integers(1, 2)) for _ in range(draw(st.integers(1, 3)))]
    load = tuple(tuple(draw(times) for _ in range(count)) for count in planes)
    tokens = tuple(tuple(draw(st.integers(0, 5)) for _ in range(count)) for count in planes)
    work = tuple(tuple(3 * count for count in row) for row in tokens)
    return SlicedExperts(load, work, tokens)


@RELAXED
@given(layer=sliced_experts())
def test_bit_planes_by_brute_force(layer: SlicedExperts) -> None:
    orders = [
        order
        for order in permutations(layer.planes())
        if all(order.index((e, 0)) < order.index((e, k)) for e, k in order if k)
    ]
    best = min(layer.makespan(order) for order in orders)
    assert layer.bound() <= best
    assert best <= layer.makespan(d2moe.hottest_first(layer))
    answer = sch.solve(layer.problem(), "cp-sat", work_limit=10, workers=1)
    assert (answer.objective, answer.status) == (best, Status.OPTIMAL)


def test_hottest_first_is_johnson_for_single_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_by_work(monkeypatch, d2moe, 0.1)
    chains, single = d2moe.run(Run(1e6))
    assert chains.gap is not None
    assert chains.gap < 0.15
    assert single.gap == 0
    assert single.verdict == "the same on every layer"


def traces() -> st.SearchStrategy[RoutingTrace]:
    return st.builds(
        lambda tokens, experts, top, memory, seed: routing_trace(
            tokens=tokens,
            experts=experts,
            top=min(top, experts),
            skew=0.5,
            memory=memory,
            noise=0.5,
            seed=seed,
        ),
        st.integers(1, 40),
        st.integers(2, 8),
        st.integers(1, 3),
        st.floats(0, 0.99),
        st.integers(0, 10**6),
    )


@RELAXED
@given(traced=traces(), capacity=st.integers(0, 8), segment=st.integers(1, 9))
def test_replays_are_checked_and_never_beat_belady(
    traced: RoutingTrace, capacity: int, segment: int
) -> None:
    problem = traced.problem(capacity)
    best = expert_caches.solved(problem, "belady")
    assert best.status is Status.OPTIMAL
    contents = [
        moe_lrc.segment_contents(traced, segment, capacity),
        hybrimoe.score_based(traced, capacity, 0.2),
        expertflow.predicted_contents(traced, traced, capacity, 5),
    ]
    for held in contents:
        found = expert_caches.certified(problem, traced.stays(held), int(best.objective or 0))
        assert found.objective is not None


@RELAXED
@given(traced=traces(), segment=st.integers(1, 9))
def test_hits_of_segments_by_trying_each_size(traced: RoutingTrace, segment: int) -> None:
    hits = moe_lrc.best_hits(traced, segment)
    for capacity in range(traced.n_experts + 1):
        found = 0
        for first in range(0, len(traced.active), segment):
            part = traced.active[first : first + segment]
            counts = sorted(np.bincount(part.ravel(), minlength=traced.n_experts).tolist())
            found += sum(counts[len(counts) - capacity :])
        assert hits[capacity] == found
    assert 0 < moe_lrc.consistency(traced, segment) <= 1


def test_a_cache_that_holds_what_it_cannot_is_caught() -> None:
    traced = routing_trace(tokens=20, experts=6, top=2, skew=0.5, memory=0.9, noise=0.5, seed=1)
    everything = [frozenset(range(6))] * 20
    with pytest.raises(CheckError):
        expert_caches.certified(traced.problem(1), traced.stays(everything), None)
    with pytest.raises(InputError):
        traced.problem(-1)


def test_routing_consistency() -> None:
    rows = moe_lrc.run(Run(5))
    for row in rows[::2]:
        assert row.baseline_value is not None
        assert row.value > row.baseline_value
    scores = [row.value for row in rows[1::2]]
    assert scores == sorted(scores, reverse=True)


def test_expertflow_groups_and_keeps() -> None:
    groups, cache = expertflow.run(Run(5))
    assert groups.baseline_value is not None
    assert groups.value < groups.baseline_value
    assert groups.gap is not None
    assert groups.gap < 0.05
    assert cache.baseline_value is not None
    assert cache.value >= cache.baseline_value + 10


def test_apex_hides_requests_on_the_cpu() -> None:
    for row in apex_hybrid.run(Run(1e6))[::2]:
        assert row.gap == 0
        assert row.baseline_value is not None
        assert row.value >= row.baseline_value


def test_windows_of_layers() -> None:
    assert tpi_llm.per_token([2.0, 2.0], [3.0, 3.0], 1) == 10.0
    assert tpi_llm.per_token([2.0, 2.0], [3.0, 3.0], 2) == 6.0
    assert tpi_llm.least_window([2.0, 2.0, 2.0], [3.0, 3.0, 3.0]) == 2
    rows = tpi_llm.run(Run(600))
    for row, loop in zip(rows[::3], rows[2::3], strict=True):
        assert loop.gap == 0.0
        # A layer that is a loop takes whole milliseconds, and no window makes it faster.
        assert row.value <= loop.value <= row.value + 80 * 4e-3
        assert row.gap == pytest.approx(0.0, abs=1e-9)
        assert row.baseline_value is not None
        assert row.value < row.baseline_value


def test_parts_of_a_layer_are_those_of_trying_all() -> None:
    parts, gradients, shops = fsmoe.run(Run(5))
    assert shops.baseline_value is not None
    assert shops.gap is not None
    assert shops.value * (1 - shops.gap) <= shops.baseline_value * (1 + 1e-6)
    assert parts.gap is not None
    assert 0 <= parts.gap < 0.01
    assert gradients.gap == pytest.approx(0.0, abs=1e-6)
    assert gradients.baseline_value is not None
    assert gradients.value < gradients.baseline_value
    above, _, text = gradients.verdict.partition("%")
    assert "above the linear program" in text
    assert 0 <= float(above) < 1
    for layer in list(fsmoe.grid())[::5]:
        for count in (1, 2, 7):
            assert layer.predicted(count) <= layer.simulated(count) * (1 + 1e-12)


ticks = st.integers(0, 6)


def least_behind(rows: list[tuple[int, int, int]], start: int) -> int:
    """Return the least gradients left behind the pass, trying every amount in every idle time."""
    left = {0}
    for _, idle, gradient in rows:
        room = max(0, idle - start)
        left = {ready - taken + gradient for ready in left for taken in range(min(ready, room) + 1)}
    return min(left)


@RELAXED
@given(st.lists(st.tuples(ticks, ticks, st.integers(1, 6)), min_size=1, max_size=6), ticks)
def test_partitions_of_gradients_by_brute_force(
    rows: list[tuple[int, int, int]], start: int
) -> None:
    tick = 1000
    layers = [BackwardLayer(*(tick * part / NANOSECONDS for part in row)) for row in rows]
    problem = exchange_gradients(layers, "random", tick * start / NANOSECONDS)
    answer = sch.solve(problem, work_limit=1, workers=1)
    ends = sum(busy + idle for busy, idle, _ in rows)
    behind = least_behind(rows, start)
    assert answer.status is Status.OPTIMAL
    assert answer.objective == tick * (ends + start + behind)
    assert sch.check(problem, answer) == []
    hidden = fsmoe.hidden_greedily(layers, tick * start / NANOSECONDS)
    gradients = sum(layer.gradient for layer in layers)
    assert gradients - hidden == pytest.approx(tick * behind / NANOSECONDS)
