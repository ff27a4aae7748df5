"""Strategies of batches on drawn requests: jumps change nothing, all are served, memory holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.batching import BATCHING
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.strategy import Setting
from tests.serving_runs import COSTS, same, tables


def setting(requests: RequestTable, cost: CostModel, limit: float | None = 0.05) -> Setting:
    """Return what strategies are made for, with one limit for all first tokens."""
    longest = int((requests.prompt_tokens + requests.output_tokens).max())
    return Setting(requests, cost, (limit,), longest, int(requests.output_tokens.max()))


def fleet(name: str, requests: RequestTable, cost: CostModel, draw: st.DataObject) -> Deployment:
    """Draw a fleet that runs a strategy; its memory may run short."""
    chosen = strategy(name, setting(requests, cost, draw.draw(st.sampled_from([None, 0.01, 0.5]))))
    group = Group(
        "all",
        cost,
        kv_tokens=draw.draw(st.integers(60, 400)),
        replicas=draw.draw(st.integers(1, 2)),
        max_sequences=draw.draw(st.sampled_from([1, 2, 5, 64])),
        block_size=draw.draw(st.sampled_from([1, 4, 16])),
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    return Deployment((group,))


@pytest.mark.parametrize("name", BATCHING)
@given(requests=tables(), cost=COSTS, draw=st.data())
@settings(max_examples=40)
def test_jumps_change_nothing_and_all_are_served(
    name: str, requests: RequestTable, cost: CostModel, draw: st.DataObject
) -> None:
    deployment = fleet(name, requests, cost, draw)
    jumping = simulate_fleet(deployment, requests)
    stepping = simulate_fleet(deployment, requests, jumps=False)
    assert same(jumping, stepping)
    served = jumping.served
    assert served.sum() + jumping.rejected == len(requests)
    for one, other in zip(jumping.instances, stepping.instances, strict=True):
        for field in ("iterations", "busy_ns", "restarts", "new_tokens", "decoded_tokens"):
            assert getattr(one.tally, field) == getattr(other.tally, field)
        assert one.tally.peak_blocks <= one.capacity_blocks
    restarts = int(jumping.restarts.sum())
    decoded = sum(one.tally.decoded_tokens for one in jumping.instances)
    answers = int(requests.output_tokens[served].sum() - served.sum())
    if name.startswith("dllm"):
        # Answers come with the end of the prompt's last pass.
        assert decoded == 0
        computed = sum(one.tally.new_tokens for one in jumping.instances)
        whole = (requests.prompt_tokens - requests.cached_tokens)[served]
        assert computed == int(np.sum(whole)) + answers
        return
    assert answers - restarts <= decoded <= answers
    if not restarts:
        computed = sum(one.tally.new_tokens for one in jumping.instances)
        fresh = (requests.prompt_tokens - requests.cached_tokens)[served]
        assert computed == int(np.sum(fresh))
