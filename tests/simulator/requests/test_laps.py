"""LAPS: nobody waits longer than the window, and without one it is M/G/1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.laps import (
    GRAPH_PROMPTS,
    GRAPH_TOKENS,
    Laps,
    bucket,
)
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import table

MS = 1_000_000
COST = Affine(base=2e-3, per_token=1e-5)


def run(policy: Laps, requests: RequestTable) -> FleetRun:
    group = Group("all", COST, kv_tokens=10**6, max_sequences=10**4, composition=policy)
    return simulate_fleet(Deployment((group,)), requests)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 256)), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.01, 0.05]),
    st.sampled_from([1, 4, 64]),
)
def test_no_short_prompt_waits_longer_than_window_and_running_batches(
    rows: list[tuple[int, int]], window: float, most: int
) -> None:
    rows = sorted(rows)
    requests = table([time * MS for time, _ in rows], [tokens for _, tokens in rows], 1)
    found = run(Laps((None,), windows=(0.0, window), most=most), requests)
    waits = found.started_ns - requests.arrival_ns
    due = requests.arrival_ns + round(window * 1e9)
    late = np.flatnonzero(waits > round(window * 1e9))
    for row in late:
        # From when it was due on, other batches ran without a pause until it began.
        inside = (found.ended_ns > due[row]) & (found.started_ns < found.started_ns[row])
        starts = np.unique(found.started_ns[inside])
        busy = sum(
            int(found.ended_ns[found.started_ns == start].max() - max(start, due[row]))
            for start in starts
        )
        assert busy == found.started_ns[row] - due[row]


def test_a_window_closes_at_depth_at_its_end_or_for_a_deadline() -> None:
    apart = table([0, 10 * MS, 100 * MS], [50, 50, 50], 1)
    waits = run(Laps((None,), windows=(0.0, 0.03)), apart).queue_seconds
    assert waits.tolist() == pytest.approx([0.03, 0.02, 0.03])
    # Two ran together last, so two are enough.
    more = table([0, 10 * MS, 100 * MS, 103 * MS], [50, 50, 50, 50], 1)
    waits = run(Laps((None,), windows=(0.0, 0.03)), more).queue_seconds
    assert waits.tolist() == pytest.approx([0.03, 0.02, 0.003, 0.0])
    # With the second it takes 3 ms, and 5 ms are kept in reserve.
    urgent = run(Laps((0.02,), windows=(0.0, 0.03)), apart)
    assert urgent.queue_seconds[0] == pytest.approx(0.012)


def test_without_a_window_and_batches_it_is_a_queue_of_the_formula() -> None:
    rng = np.random.default_rng(3)
    count, rate = 60_000, 200.0
    arrivals = np.cumsum(rng.exponential(1e9 / rate, count)).astype(np.int64)
    tokens = rng.choice([10, 200], count)
    requests = table(arrivals, tokens, 1)
    waits = run(Laps((None,), windows=(0.0, 0.0), most=1), requests).queue_seconds
    service = COST.base + COST.per_token * tokens
    wait = rate * np.mean(service**2) / (2 * (1 - rate * service.mean()))
    assert waits.mean() == pytest.approx(wait, rel=0.02)


def test_long_prompts_run_in_chunks_between_short_ones() -> None:
    requests = table([0, 5 * MS], [5000, 50], 1)
    found = run(Laps((None,), windows=(0.0, 0.0)), requests)
    assert found.started_ns[1] == round(2e6 + 2048 * 1e4)
    assert found.ended_ns[1] < found.ended_ns[0]


@given(st.integers(8, 256), st.integers(1, 64))
def test_graphs_are_at_most_twice_too_large(tokens: int, count: int) -> None:
    for size, limits in ((tokens, GRAPH_TOKENS), (count, GRAPH_PROMPTS)):
        found = bucket(size, limits)
        assert found is not None
        assert size <= found < 2 * size or found == size
    assert bucket(257, GRAPH_TOKENS) is None


def test_a_graph_pads_where_that_is_faster() -> None:
    requests = table([0, 0, 0], [50, 60, 64], 1)
    captured = Affine(base=1e-4, per_token=1e-5)
    slow = run(Laps((None,), windows=(0.0, 0.0)), requests)
    fast = run(Laps((None,), captured=captured, windows=(0.0, 0.0)), requests)
    assert slow.ended_ns[0] == round(2e6 + 174 * 1e4)
    # Three prompts of up to 64 tokens run as four of 64.
    assert fast.ended_ns[0] == round(1e5 + 4 * 64 * 1e4)
    dear = run(Laps((None,), captured=Affine(1.0, 0.0), windows=(0.0, 0.0)), requests)
    assert dear.ended_ns.tolist() == slow.ended_ns.tolist()
