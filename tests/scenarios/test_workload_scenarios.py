"""Studies of workloads: what their generators draw, and what their rows measure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.instances.requests.reasoning import reasoning_requests
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios import burstgpt, reasoning_study
from scheduling.scenarios.scenario import Run
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.run import FleetRun


def served(table: RequestTable) -> FleetRun:
    group = Group("replica", Affine(base=0.01, per_token=1e-5), 200_000)
    return simulate_fleet(Deployment((group,)), table)


def test_thoughts_come_before_answers_and_harder_questions_take_longer() -> None:
    drawn = reasoning_requests(4000, rate=3.0, seed=2)
    table = drawn.table
    assert (drawn.think_tokens >= 1).all()
    assert (table.output_tokens > drawn.think_tokens).all()
    assert (drawn.plain.output_tokens + drawn.think_tokens == table.output_tokens).all()
    means = [drawn.think_tokens[table.demand == row].mean() for row in range(3)]
    assert means == sorted(means)
    assert len(table) / (table.arrival_ns[-1] / 1e9) == pytest.approx(3.0, rel=0.15)
    gaps = np.diff(table.arrival_ns[table.demand == 0])
    assert gaps.std() / gaps.mean() == pytest.approx(2.0, rel=0.15)


def test_another_rate_only_stretches_the_time() -> None:
    slow, fast = (reasoning_requests(200, rate, seed=5) for rate in (1.0, 4.0))
    np.testing.assert_array_equal(slow.think_tokens, fast.think_tokens)
    np.testing.assert_allclose(slow.table.arrival_ns, 4 * fast.table.arrival_ns, atol=8)


@given(st.integers(0, 1000), st.sampled_from([0.5, 5.0]))
def test_the_first_visible_token_is_never_the_first_before_it_and_never_behind_the_last(
    seed: int, rate: float
) -> None:
    drawn = reasoning_requests(20, rate, seed=seed)
    run = served(drawn.table)
    visible = reasoning_study.visible_seconds(drawn, run)
    assert (visible >= run.ttft_seconds).all()
    assert (visible <= run.e2e_seconds + 1e-9).all()


def test_memory_in_use_is_that_of_the_requests_there() -> None:
    zeros = np.zeros(2, np.int64)
    table = RequestTable(
        np.array([0, 10**9]), np.array([100, 50]), np.array([11, 21]), zeros, zeros
    )
    run = FleetRun(
        table,
        started_ns=np.array([0, 10**9]),
        first_token_ns=np.array([5 * 10**8, 10**9]),
        ended_ns=np.array([15 * 10**8, 2 * 10**9]),
        restarts=zeros.astype(np.int32),
        instance=zeros.astype(np.int32),
        decode_instance=zeros.astype(np.int32) - 1,
        came_ns=table.arrival_ns,
        hit_tokens=zeros,
        instances=(),
    )
    shares = reasoning_study.kv_shares(run, 1000)
    assert shares[0] == pytest.approx(0.1)
    assert shares[-1] == pytest.approx((100 + 0.5 * 11 + 50) / 1000)


def test_thoughts_swing_memory_as_published() -> None:
    swing, visible, budget = reasoning_study.run(Run(30.0))
    assert swing.baseline_value is not None
    assert swing.baseline_value < 0.03 < 0.5 < swing.value < 0.9
    assert visible.ratio is not None
    assert visible.ratio > 10
    assert budget.ratio is not None
    assert 1.0 <= budget.ratio < 1.05


def test_bursts_are_found_again_wait_as_predicted_and_cost_latency() -> None:
    found, *latencies, mild, strong = burstgpt.run(Run(30.0))
    assert found.verdict == "taken"
    assert found.value < 0.05 < 0.5 < (found.baseline_value or 0)
    tails = [row.ratio or 0.0 for row in latencies]
    assert 1.2 < tails[0] < tails[1]
    assert mild.ratio == pytest.approx(1.0, abs=0.15)
    assert strong.ratio == pytest.approx(1.0, abs=0.2)
