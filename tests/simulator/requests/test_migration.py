"""Live migration: nothing is lost or doubled, jumps change nothing, it helps where it should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, PolicyError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.policies.fastswitch import Swap
from scheduling.simulator.requests.policies.llumnix import Llumnix
from scheduling.simulator.requests.policies.routing import RoundRobin
from scheduling.simulator.requests.policy import Provenance
from tests.properties import examples
from tests.serving_runs import groups, table, tables

COST = Affine(base=0.01, per_token=0.0)


@dataclass
class Restless(RoundRobin):
    """Moves every request that decodes to the next instance, at every look."""

    interval_ns: int = 20_000_000
    name = "restless"
    provenance: Provenance = "inferred"

    def __post_init__(self) -> None:
        super().__init__()

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
        count = len(instances)
        return [
            (request, one, instances[(place + 1) % count])
            for place, one in enumerate(instances)
            for request in one.decoding.values()
            if count > 1
        ]


@st.composite
def movers(draw: st.DrawFn) -> Group:
    group = replace(draw(groups()), replicas=draw(st.integers(1, 3)))
    if draw(st.booleans()):
        group = replace(group, eviction=Swap(keeps_copies=draw(st.booleans())))
    return replace(group, link=Link(draw(st.floats(0, 1e4)), 1e6, draw(st.floats(0, 0.02))))


@given(requests=tables(), group=movers(), restless=st.booleans(), wait=st.floats(1e-3, 0.1))
@examples(120)
def test_moved_requests_are_served_once_and_jumps_change_nothing(
    requests: RequestTable, group: Group, restless: bool, wait: float
) -> None:
    fleet = Deployment((group,))
    runs = []
    for jumps in (True, False):
        router = Restless(round(wait * 1e9)) if restless else Llumnix(wait, 8.0, 8.0)
        runs.append(simulate_fleet(fleet, requests, router=router, jumps=jumps))
    for run in runs:
        served = run.served
        assert (
            served == (requests.prompt_tokens + requests.output_tokens <= _longest(group))
        ).all()
        assert (run.first_token_ns[served] <= run.ended_ns[served]).all()
        made = sum(one.tally.decoded_tokens for one in run.instances)
        first = int((run.restarts[served] + 1).sum())
        assert made <= int(requests.output_tokens[served].sum())
        assert made + first >= int(requests.output_tokens[served].sum())
    assert np.array_equal(runs[0].ended_ns, runs[1].ended_ns)
    assert np.array_equal(runs[0].first_token_ns, runs[1].first_token_ns)
    assert np.array_equal(runs[0].decode_instance, runs[1].decode_instance)
    for one, other in zip(runs[0].instances, runs[1].instances, strict=True):
        assert one.tally.taken_over == other.tally.taken_over
        assert one.tally.iterations == other.tally.iterations
        assert one.tally.peak_blocks == other.tally.peak_blocks


@given(requests=tables(), group=movers(), wait=st.floats(1e-3, 0.1))
@examples(60)
def test_bounds_of_equal_replicas_hold_for_moved_requests(
    requests: RequestTable, group: Group, wait: float
) -> None:
    run = simulate_fleet(Deployment((group,)), requests, router=Restless(round(wait * 1e9)))
    for one in Certifier((group,), {}).certify(run):
        assert one.bound is None or one.bound <= one.value * (1 + 1e-9)


def _longest(group: Group) -> int:
    longest, held = group.admission.longest, group.kv_blocks * group.block_size
    if longest is None:
        return held + 1
    return min(longest, held) if -(-longest // group.block_size) <= group.kv_blocks else 0


def test_a_move_copies_in_stages_while_the_request_decodes() -> None:
    # 100 tokens take 0.1 s: 10 steps of decoding, these 0.01 s, one more step; it leaves with the
    # step that runs when the stages are short enough, and pauses for the tokens of that step.
    group = Group("all", COST, 400, replicas=2, block_size=1, link=Link(1.0, 1000.0))
    fleet = Deployment((group,))
    once = table([0], 100, 200)
    still = simulate_fleet(fleet, once, router="round-robin")
    moved = simulate_fleet(fleet, once, router=Restless(1_500_000_000))
    assert [one.tally.taken_over for one in moved.instances] == [0, 1]
    pause = moved.ended_ns[0] - still.ended_ns[0]
    assert 0 < pause <= 5_000_000
    assert moved.decode_instance.tolist() == [1]


def test_evicted_requests_wait_on_the_host_where_others_move() -> None:
    group = Group(
        "all",
        COST,
        60,
        block_size=1,
        replicas=2,
        link=Link(1.0, 1e6),
        eviction=Swap(keeps_copies=True),
    )
    requests = table([0] * 6, [10] * 6, [30, 5, 30, 5, 30, 5])
    runs = [
        simulate_fleet(Deployment((group,)), requests, router=Restless(), jumps=jumps)
        for jumps in (True, False)
    ]
    assert np.array_equal(runs[0].ended_ns, runs[1].ended_ns)
    for one in runs:
        assert sum(each.tally.swaps for each in one.instances)
        assert sum(each.tally.taken_over for each in one.instances)


def test_memory_that_a_request_leaves_lets_the_queue_begin() -> None:
    class Helped(Llumnix):
        def __init__(self) -> None:
            super().__init__(0.05, 1.0, 5.0)
            self.turn = RoundRobin()

        def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
            return self.turn.choose(candidates, request, now)

    # 250 tokens are free on either when a prompt of 300 comes; 150 may go from one to the other.
    group = Group("all", COST, 600, replicas=2, block_size=10, link=Link(1.0, 1e6))
    requests = table([0, 1, 2, 3, 10**8], [190, 340, 140, 10, 300], [200, 100, 200, 2, 5])
    late = simulate_fleet(Deployment((group,)), requests, router="round-robin")
    helped = simulate_fleet(Deployment((group,)), requests, router=Helped())
    assert late.queue_seconds[4] > 0.9
    assert helped.queue_seconds[4] < 0.2
    assert helped.decode_instance.tolist() == [-1, -1, 1, -1, -1]


def test_moves_of_what_does_not_run_there_are_errors() -> None:
    class Wrong(Restless):
        def moves(
            self, instances: Sequence[MovableInstance], now: int
        ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
            found = super().moves(instances, now)
            return [(request, target, source) for request, source, target in found]

    group = Group("all", COST, 600, replicas=2, link=Link(1.0, 1e6))
    with pytest.raises(PolicyError, match=r"restless at 0.02.* request 0: moved to all/0"):
        simulate_fleet(Deployment((group,)), table([0], 10, 50), router=Wrong())


def test_requests_stay_without_a_link() -> None:
    group = Group("all", COST, 600, replicas=2)
    run = simulate_fleet(Deployment((group,)), table([0], 10, 50), router=Restless())
    assert run.decode_instance.tolist() == [-1]


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="high"):
        Llumnix(low=3.0, high=2.0)
    with pytest.raises(InputError, match="interval_seconds"):
        Llumnix(0.0)
