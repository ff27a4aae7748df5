"""Closed loops: where the time of prompts falls, and that none of it is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.closed_loop import ClosedLoop
from scheduling.models.cost.protocol import Affine

COST = Affine(base=0.01, per_token=1e-4)


def test_one_client_waits_for_nobody() -> None:
    found = ClosedLoop(1, 100, 50, mixed=False, in_step=True).latencies(COST)
    assert found.tpot_seconds == pytest.approx(0.01 + 1e-4)
    assert found.ttft_seconds == pytest.approx(0.01 + 100 * 1e-4)


def test_mixed_prompts_come_between_the_tokens_of_others() -> None:
    found = ClosedLoop(5, 1000, 100, token_budget=1000).latencies(COST)
    assert found.tpot_seconds == pytest.approx(0.01 + 5e-4 + 4 * 0.1 / 100)
    assert found.ttft_seconds == pytest.approx(1.5 * (0.01 + 1005e-4))


def test_prompts_that_arrive_together_wait_for_each_other() -> None:
    found = ClosedLoop(4, 1000, 100, token_budget=1000, mixed=False, in_step=True).latencies(COST)
    one = 0.01 + 0.1
    assert found.ttft_seconds == pytest.approx((1 + 2 + 3 + 4) / 4 * one)
    assert found.tpot_seconds == pytest.approx(0.01 + 4e-4 + 1.5 * one / 100)


def test_first_rounds_weigh_less_the_more_rounds_there_are() -> None:
    times = [
        ClosedLoop(32, 1000, 100, rounds=rounds).latencies(COST).ttft_seconds
        for rounds in (1, 10, None)
    ]
    assert times == sorted(times, reverse=True)


def test_requests_beyond_the_memory_wait_outside() -> None:
    free = ClosedLoop(8, 100, 100).latencies(COST)
    tight = ClosedLoop(16, 100, 100, sequences=8).latencies(COST)
    assert tight.tpot_seconds == free.tpot_seconds
    whole = free.ttft_seconds + 100 * free.tpot_seconds
    assert tight.ttft_seconds == pytest.approx(free.ttft_seconds + whole, rel=0.2)


def test_requests_wait_for_the_next_look() -> None:
    loop = ClosedLoop(10, 100, 100, mixed=False)
    often, seldom = (replace(loop, poll=poll).latencies(COST) for poll in (1, 20))
    t0 = 0.01 + 10 * 1e-4
    assert seldom.ttft_seconds == pytest.approx(20 / 2 * t0 + 0.01 + 2 * 100 * 1e-4)
    assert seldom.tpot_seconds == often.tpot_seconds


@given(
    clients=st.integers(1, 200),
    prompt=st.integers(1, 20000),
    output=st.integers(1, 2000),
    mixed=st.booleans(),
    in_step=st.booleans(),
)
def test_a_request_takes_its_decodes_and_a_prompt(
    clients: int, prompt: int, output: int, mixed: bool, in_step: bool
) -> None:
    loop = ClosedLoop(clients, prompt, output, mixed=mixed, in_step=in_step)
    found = loop.latencies(COST)
    assert found.tpot_seconds >= 0.01 + clients * 1e-4 - 1e-12
    assert found.ttft_seconds >= 0.01 + prompt * 1e-4 - 1e-12
    if mixed:
        pieces = -(-prompt // 8192)
        together = max(1, min(8192 // prompt, clients))
        longest = 0.01 + (clients + together * prompt / pieces) * 1e-4
        assert found.tpot_seconds <= longest + 1e-12
