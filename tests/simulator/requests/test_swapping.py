"""Requests that wait on the host: what is copied, what it costs, and what the host can hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.replicas import Replica
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policies.fastswitch import (
    HOST_RATE,
    PriorityBatch,
    ShuffledPriority,
    Swap,
)
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.streaming import SwapOrRecompute
from scheduling.simulator.requests.policy import Eviction
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.stated import machine
from scheduling.simulator.requests.strategy import Setting
from scheduling.simulator.requests.tally import Tally
from tests.serving_runs import table, tables

COST = Affine(base=0.01, per_token=0.0)


@dataclass(frozen=True, slots=True)
class InTurns(ShuffledPriority):
    """Two requests take turns: the first of the table in even times, the other in odd ones."""

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        return ((request.row + self.epoch(now)) % 2,)


def run(requests: RequestTable, eviction: Eviction, order: ShuffledPriority) -> FleetRun:
    group = Group(
        "all",
        COST,
        kv_tokens=100,
        block_size=1,
        composition=PriorityBatch(order),
        eviction=eviction,
        order=order,
    )
    return simulate_fleet(Deployment((group,)), requests)


def tally(one: FleetRun) -> Tally:
    return one.instances[0].tally


def swap(*, keeps: bool = True, beside: bool = False, host: int = 10**6) -> Swap:
    return Swap(
        tokens_per_second=1e5,
        host_tokens=host,
        copy_seconds=1e-4,
        copy_blocks=8,
        keeps_copies=keeps,
        beside=beside,
    )


def test_links_are_those_of_the_gpu_unless_a_number_says_otherwise() -> None:
    one = Replica.model_validate({"model": "llama-3.1-8b", "gpu": "a10"})
    two = Replica.model_validate({"model": "llama-3.1-8b", "gpu": "a10", "layout": {"tp": 2}})
    rates = [machine(replica).host_tokens_per_second for replica in (one, two)]
    # Keys and values of 32 layers of 8 heads of 128 in 16 bits, over 32 GB/s for each GPU.
    assert rates == [32e9 / 131_072, 64e9 / 131_072]
    stated = Setting(TURNS, COST, (None,), 100, 30, host_tokens_per_second=rates[0])
    unknown = Setting(TURNS, COST, (None,), 100, 30)
    chosen = [
        strategy("swap", stated),
        strategy("priority-swap", unknown),
        strategy("swap:7", stated),
    ]
    policies = [one.eviction for one in chosen if isinstance(one.eviction, Swap)]
    assert [policy.tokens_per_second for policy in policies] == [rates[0], HOST_RATE, 7.0]


# Two prompts of 50 tokens do not fit beside each other; they change places every tenth of a second.
TURNS = table([0, 0], [50, 50], [30, 30])
ORDER = InTurns(seconds=0.1)


def test_kept_copies_grow_by_what_is_new() -> None:
    instant = [
        Swap(tokens_per_second=1e15, copy_seconds=0.0, keeps_copies=keeps)
        for keeps in (True, False)
    ]
    kept, whole = (tally(run(TURNS, policy, ORDER)) for policy in instant)
    assert kept.swaps == whole.swaps > 2
    assert kept.swapped_in == whole.swapped_in == whole.swapped_out
    # Both copies stay until the last swap: what they hold then is the sum of the increments.
    assert kept.swapped_out == kept.peak_host_tokens < whole.swapped_out


def test_copies_take_their_time() -> None:
    policy = swap()
    assert policy.seconds(160, 10) == pytest.approx(2 * 1e-4 + 160 / 1e5)
    free = Swap(tokens_per_second=1e15, copy_seconds=0.0)
    slow, fast = run(TURNS, policy, ORDER), run(TURNS, free, ORDER)
    assert tally(fast).copying_ns == 0
    assert tally(slow).copying_ns > 0
    done = tally(slow)
    # Nothing else happens while iterations wait for copies.
    assert slow.ended_ns.max() == pytest.approx(done.busy_ns + done.copying_ns, abs=10)


def test_copies_beside_batches_let_these_go_on() -> None:
    # A third, short request fits beside either of the others.
    requests = table([0, 0, 0], [50, 50, 5], [30, 30, 60])
    beside = tally(run(requests, swap(beside=True), ORDER))
    waiting = tally(run(requests, swap(), ORDER))
    assert beside.copying_ns < waiting.copying_ns


def test_without_room_on_the_host_requests_begin_anew() -> None:
    found = tally(run(TURNS, swap(host=0), ORDER))
    plain = tally(run(TURNS, LatestArrival(), ORDER))
    assert found.swaps == 0
    assert found == plain
    some = tally(run(TURNS, swap(host=65), ORDER))
    assert some.swaps > 0
    assert some.restarts > 0
    assert some.peak_host_tokens <= 65


def test_what_is_computed_sooner_than_copied_twice_begins_anew() -> None:
    def either(per_token: float) -> SwapOrRecompute:
        return SwapOrRecompute(
            tokens_per_second=1e5,
            copy_seconds=0.0,
            cost=Affine(base=0.0, per_token=per_token),
        )

    assert not either(1.9e-5).pays(700, 44)
    assert either(2.1e-5).pays(700, 44)
    anew = tally(run(TURNS, either(1.9e-5), ORDER))
    assert anew == tally(run(TURNS, LatestArrival(), ORDER))
    assert anew.restarts > 0
    copied = tally(run(TURNS, either(2.1e-5), ORDER))
    assert copied == tally(run(TURNS, Swap(tokens_per_second=1e5, copy_seconds=0.0), ORDER))
    assert copied.swaps > 0


@given(tables(), st.integers(0, 5), st.booleans(), st.sampled_from([0, 60, 10**6]))
def test_every_copy_comes_back_and_none_is_made_twice(
    requests: RequestTable, seed: int, beside: bool, host: int
) -> None:
    order = ShuffledPriority(seconds=0.05, seed=seed)
    whole = run(requests, swap(keeps=False, beside=beside, host=host), order)
    assert tally(whole).swapped_in == tally(whole).swapped_out
    kept = run(requests, swap(keeps=True, beside=beside, host=host), order)
    assert tally(kept).swapped_out <= tally(kept).swapped_in
    assert tally(kept).peak_host_tokens <= host
    if not tally(kept).restarts:
        served = kept.served
        stored = (requests.prompt_tokens + requests.output_tokens)[served] - 1
        assert tally(kept).swapped_out <= int(np.sum(stored))


def test_prefixes_are_not_kept_beside_it() -> None:
    with pytest.raises(InputError, match="wait on the host"):
        Group("all", COST, kv_tokens=100, eviction=swap(), retention=LeastRecent())
