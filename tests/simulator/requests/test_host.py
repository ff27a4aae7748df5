"""Prefixes on the host: found again, copied in time, never more than fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.host import Ahead, HostBlocks, HostTier
from scheduling.simulator.requests.policies.continuum import Continuum
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.run import FleetRun
from tests.agent_runs import program_tables
from tests.properties import examples
from tests.serving_runs import groups, same, table

COST = Affine(base=0.01, per_token=0.001)
# The second prompt drives the first one's prefix out of the memory, the third asks for it again.
REQUESTS = table([0, 10**9, 2 * 10**9], [32, 32, 32], [5, 5, 5])
PATHS = Paths.of([[(0, 32)], [(1, 32)], [(0, 32)]])


def run(tier: HostTier | None, prompts: Paths = PATHS) -> FleetRun:
    group = Group("all", COST, kv_tokens=40, block_size=4, retention=LeastRecent(), host=tier)
    return simulate_fleet(Deployment((group,)), REQUESTS, paths=prompts)


def test_what_was_dropped_is_copied_back() -> None:
    lost, kept = run(None), run(HostTier(80, tokens_per_second=7000.0))
    assert lost.hit_tokens.tolist() == [0, 0, 0]
    assert kept.hit_tokens.tolist() == [0, 0, 28]
    assert kept.instances[0].tally.host_tokens == 28
    assert kept.instances[0].tally.copying_ns == 4_000_000
    # Four tokens are computed behind a copy of 4 ms, instead of 32.
    assert lost.ttft_seconds[2] == pytest.approx(0.042)
    assert kept.ttft_seconds[2] == pytest.approx(0.004 + 0.014)


def test_a_small_host_keeps_what_was_used_last() -> None:
    assert run(HostTier(36, 7000.0)).hit_tokens.tolist() == [0, 0, 0]
    assert run(HostTier(48, 7000.0)).hit_tokens.tolist() == [0, 0, 12]


@pytest.mark.parametrize(("ahead", "waits"), [(False, 28), (True, 28 - 12)])
def test_copies_ahead_go_on_while_requests_wait(ahead: bool, waits: int) -> None:
    # The fourth request comes 12 ms before the batch of one ends that serves the third.
    requests = table([0, 10**9, 2 * 10**9, 2 * 10**9 + 74_000_000], [32] * 4, [5] * 4)
    paths = Paths.of([[(0, 32)], [(1, 32)], [(2, 32)], [(0, 32)]])
    group = Group(
        "all",
        COST,
        kv_tokens=40,
        max_sequences=1,
        block_size=4,
        retention=LeastRecent(),
        host=HostTier(400, 1000.0, ahead),
    )
    found = simulate_fleet(Deployment((group,)), requests, paths=paths)
    assert found.started_ns[3] - found.came_ns[3] == 12_000_000
    assert found.instances[0].tally.copying_ns == waits * 1_000_000


@pytest.mark.parametrize(("ahead", "waits"), [(True, 28), ("calls", 8)])
def test_copies_for_a_call_begin_with_the_call_before_it(ahead: Ahead, waits: int) -> None:
    # Calls in a row, of which the third uses the prefix of the first. The second prompt drives most
    # of it out, its answer two more blocks, which are copied when the third has come.
    calls = table([0, 0, 0], [32, 32, 32], [5, 5, 5])
    chain = ProgramTable(
        requests=calls,
        program=np.zeros(3, np.int64),
        after=np.array([0, 1]),
        after_starts=np.array([0, 0, 1, 2]),
        gap_ns=np.zeros(3, np.int64),
        tool=np.full(3, -1),
        tools=(),
        agent=np.zeros(3, np.int64),
        agents=("agent",),
        paths=PATHS,
    )
    group = Group(
        "all",
        COST,
        kv_tokens=40,
        block_size=4,
        retention=LeastRecent(),
        host=HostTier(400, 1000.0, ahead),
    )
    found = simulate_fleet(Deployment((group,)), chain)
    assert found.hit_tokens.tolist() == [0, 0, 28]
    assert found.instances[0].tally.host_tokens == 28
    assert found.instances[0].tally.copying_ns == waits * 1_000_000


def test_blocks_leave_from_the_ends_of_prompts() -> None:
    blocks = HostBlocks(5)
    long, other = [(0, 0, 2), (1, 2, 4)], [(0, 0, 2), (2, 2, 4)]
    blocks.write(long)
    blocks.write(other)
    assert (blocks.level(long), blocks.level(other)) == (3, 4)
    blocks.use(long)
    blocks.write([(3, 0, 1)])
    assert (blocks.level(long), blocks.level(other)) == (3, 3)
    assert blocks.blocks == 5
    blocks.write([(4, 0, 9)])
    assert blocks.blocks == 5
    assert blocks.level([(4, 0, 9)]) == 5


@given(
    group=groups(),
    programs=program_tables(),
    tier=st.builds(
        HostTier,
        st.sampled_from([20, 100, 1000]),
        st.sampled_from([1e3, 1e6]),
        st.sampled_from([False, True, "calls"]),
    ),
    keeps=st.sampled_from([LeastRecent(), Continuum(COST)]),
)
@examples(60)
def test_jumps_change_nothing(
    group: Group, programs: ProgramTable, tier: HostTier, keeps: LeastRecent | Continuum
) -> None:
    fleet = Deployment((replace(group, retention=keeps, host=tier),))
    jumping, stepping = (simulate_fleet(fleet, programs, jumps=jumps) for jumps in (True, False))
    assert same(jumping, stepping)
    assert np.array_equal(jumping.hit_tokens, stepping.hit_tokens)
    for one, other in zip(jumping.instances, stepping.instances, strict=True):
        for name in ("iterations", "busy_ns", "copying_ns", "host_tokens"):
            assert getattr(one.tally, name) == getattr(other.tally, name)


def test_scenarios_state_a_host() -> None:
    agents = {
        "kind": "turns",
        "arrivals": {"kind": "poisson", "rate": 2.0},
        "turns": {"kind": "fixed", "tokens": 6},
        "first": {"kind": "fixed", "tokens": 2000},
        "result": {"kind": "fixed", "tokens": 200},
        "output": {"kind": "fixed", "tokens": 50},
        "tools": [{"name": "bash", "median_seconds": 2.0}],
    }
    small = {"model": "llama-3.1-8b", "gpu": "a100-80gb", "kv_tokens": 12_000}
    found = []
    for host in (None, {"tokens": 500_000}):
        stated = {"replica": {**small, "host": host}, "programs": {"classes": [agents]}}
        problem = RequestScenario.model_validate({**stated, "requests": 12})
        found.append(simulate_requests(problem, "apc").outcomes[0])
    plain, tiered = found
    assert plain.metrics.groups[0].host_tokens == 0
    assert tiered.metrics.groups[0].host_tokens > 0
    assert plain.programs is not None
    assert tiered.programs is not None
    assert tiered.programs.hit_share > plain.programs.hit_share
    assert tiered.programs.gap is not None


def test_hosts_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match=r"host\.tokens: found 0.*\n.*tokens_per_second"):
        HostTier(0, float("nan"))
    times = {"base_seconds": 0.01, "per_token_seconds": 1e-4}
    stated = {"cost": times, "kv_tokens": 100, "host": {"tokens": 10}}
    with pytest.raises(InputError, match=r"host\.tokens_per_second: found nothing"):
        RequestScenario.model_validate({"replica": stated, "trace": "a.csv"})
