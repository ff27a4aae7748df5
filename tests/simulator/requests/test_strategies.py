"""Strategies of batches on drawn requests: jumps change nothing, all are served, memory holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.agentic import AGENTIC
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.registry import STRATEGIES, strategy
from scheduling.simulator.requests.strategy import Setting
from tests.agent_runs import program_tables
from tests.properties import examples
from tests.serving_runs import COSTS, same, table, tables


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


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in AGENTIC])
@given(requests=tables(), cost=COSTS, draw=st.data())
@examples(40)
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


@pytest.mark.parametrize("name", ["fastswitch", "priority-swap", "priority-restart"])
def test_priorities_change_while_a_full_batch_decodes(name: str) -> None:
    """The second request comes to the queue of a full batch, which nothing else interrupts."""
    cost = Affine(base=0.1, per_token=0.0)
    requests = table([0, 50_000_000], [10, 10], [100, 100])
    chosen = strategy(name, setting(requests, cost))
    group = Group(
        "all",
        cost,
        kv_tokens=400,
        max_sequences=1,
        composition=chosen.composition,
        eviction=chosen.eviction,
        order=chosen.order,
    )
    jumping, stepping = (
        simulate_fleet(Deployment((group,)), requests, jumps=jumps) for jumps in (True, False)
    )
    assert same(jumping, stepping)
    # One of them gives way before it ends.
    assert jumping.first_token_ns.max() < jumping.ended_ns.min()


@pytest.mark.parametrize("name", AGENTIC)
@given(programs=program_tables(), cost=COSTS, draw=st.data())
@examples(15)
def test_programs_pass_alike_in_jumps_and_all_are_served(
    name: str, programs: ProgramTable, cost: CostModel, draw: st.DataObject
) -> None:
    requests = programs.requests
    chosen = strategy(name, replace(setting(requests, cost), programs=programs))
    group = Group(
        "all",
        cost,
        kv_tokens=draw.draw(st.integers(200, 800)),
        replicas=draw.draw(st.integers(1, 2)),
        max_sequences=draw.draw(st.sampled_from([1, 5, 64])),
        block_size=draw.draw(st.sampled_from([1, 16])),
        composition=chosen.composition,
        order=chosen.order,
        retention=chosen.retention,
    )
    runs = []
    for jumps in (True, False):
        router = "least-requests" if chosen.router is None else chosen.router()
        fleet = Deployment((group,))
        runs.append(simulate_fleet(fleet, programs, router=router, jumps=jumps))
    assert same(*runs)
    assert np.array_equal(runs[0].hit_tokens, runs[1].hit_tokens)
    run = runs[0]
    assert run.served.sum() + run.rejected == len(requests)
    restarts = int(run.restarts.sum())
    decoded = sum(one.tally.decoded_tokens for one in run.instances)
    answers = int(requests.output_tokens[run.served].sum() - run.served.sum())
    assert answers - restarts <= decoded <= answers
    if not restarts:
        computed = sum(one.tally.new_tokens for one in run.instances)
        assert computed == int((requests.prompt_tokens - run.hit_tokens)[run.served].sum())
