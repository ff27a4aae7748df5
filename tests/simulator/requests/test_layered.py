"""Layered prefill: reads of expert weights by formula, and where it is chunked prefill."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.catalogue import llm
from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.cost.work import touched_experts
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.layered import (
    LayeredPrefill,
    groups_by_length,
    released_groups,
)
from scheduling.simulator.requests.policy import Composition
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import COSTS, same, table, tables

MODEL = llm("qwen3-30b-a3b")
COST = Affine(base=0.01, per_token=1e-5, per_kv=1e-7)


def run(policy: Composition, requests: RequestTable, cost: CostModel = COST) -> FleetRun:
    group = Group("all", cost, kv_tokens=100_000, max_sequences=64, composition=policy)
    return simulate_fleet(Deployment((group,)), requests)


def expert_reads(one: FleetRun) -> float:
    passes = one.instances[0].tally.passes
    return sum(times * touched_experts(MODEL, tokens) for tokens, times in passes.items())


@pytest.mark.parametrize("tokens", [300, 512, 513, 2000, 8000])
def test_a_prompt_reads_every_expert_once_and_in_chunks_once_a_chunk(tokens: int) -> None:
    requests = table([0], [tokens], [1])
    every = MODEL.expert_layers * 128
    assert expert_reads(run(LayeredPrefill(), requests)) == pytest.approx(every, rel=0.01)
    chunks = -(-tokens // 512)
    chunked = expert_reads(run(Sarathi(512), requests))
    # The last chunk may be too short to meet every expert.
    last = touched_experts(MODEL, tokens - 512 * (chunks - 1))
    assert chunked == pytest.approx((chunks - 1) * every + last, rel=0.01)
    if tokens % 512 > 100 or tokens % 512 == 0:
        assert chunked == pytest.approx(chunks * every, rel=0.01)


@given(tables(), COSTS)
def test_one_group_is_chunked_prefill_without_a_limit(
    requests: RequestTable, cost: CostModel
) -> None:
    layered = run(LayeredPrefill(lambda tokens: 1, 10**6), requests, cost)
    assert same(layered, run(Sarathi(10**6), requests, cost))


@given(tables(), COSTS, st.integers(2, 5))
def test_groups_share_out_the_time_of_one_pass(
    requests: RequestTable, cost: CostModel, groups: int
) -> None:
    alone = table([0], requests.prompt_tokens[:1], 1)
    whole = run(LayeredPrefill(lambda tokens: 1), alone, cost)
    split = run(LayeredPrefill(lambda tokens: groups), alone, cost)
    assert split.instances[0].tally.iterations == groups
    assert split.ended_ns[0] == pytest.approx(whole.ended_ns[0], abs=groups)


def test_decodes_go_on_through_all_layers_and_wait_less_than_beside_a_whole_prompt() -> None:
    requests = table([0, 10**8], [10, 2048], [11, 2])
    whole = run(Sarathi(10**6), requests)
    layered = run(LayeredPrefill(), requests)
    # Its last token is made in the first of four iterations that the prompt takes.
    prompt = requests.prompt_tokens[1] * COST.per_token * 1e9
    assert whole.ended_ns[0] - layered.ended_ns[0] == pytest.approx(0.75 * prompt, abs=5)
    requests = table([0, 10**8], [10, 2048], [200, 2])
    whole = run(Sarathi(10**6), requests)
    layered = run(LayeredPrefill(), requests)
    assert layered.instances[0].tally.passes[2049] == pytest.approx(1.0)
    assert whole.instances[0].tally.passes[2049] == 1.0
    assert layered.first_token_ns[1] > whole.first_token_ns[1]


def test_groups_by_length() -> None:
    lengths = [1, 512, 513, 1024, 2000, 4096, 4097, 8192]
    assert [groups_by_length(tokens) for tokens in lengths] == [1, 1, 2, 2, 4, 8, 9, 16]
    assert [released_groups(tokens) for tokens in lengths] == [1, 1, 2, 2, 4, 8, 16, 16]


def test_a_cohort_forms_only_when_the_one_before_is_done() -> None:
    # 1024 tokens pass in two groups; the second prompt comes in the first iteration.
    requests = table([0, 10**6], [1024, 100], [1, 1])
    found = run(LayeredPrefill(), requests)
    assert found.started_ns[1] == found.ended_ns[0]
    assert found.instances[0].tally.iterations == 3
    assert np.argmin(found.ended_ns) == 0
