"""Prompts that come in parts: nothing is computed before it is known, and again when replaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.growth import Growth
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.fastswitch import Swap
from scheduling.simulator.requests.policies.forwarding import OnDemand
from scheduling.simulator.requests.policies.llumnix import Llumnix
from scheduling.simulator.requests.policies.streaming import Rule, StreamBatch
from scheduling.simulator.requests.policy import Composition
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import COSTS, same, table, tables

MS = 1_000_000
COST = Affine(base=0.0, per_token=1e-3)
RULES: tuple[Rule, ...] = ("default", "fcfs", "most-computed", "latest-chunk")


def run(
    requests: RequestTable,
    growth: Growth | None,
    policy: Composition,
    cost: CostModel = COST,
    *,
    jumps: bool = True,
) -> FleetRun:
    group = Group("all", cost, kv_tokens=100_000, max_sequences=99, composition=policy)
    return simulate_fleet(Deployment((group,)), requests, growth=growth, jumps=jumps)


def parts(first: list[int], later: list[tuple[int, int, int, int]]) -> Growth:
    """Return parts from rows of request, milliseconds, tokens and tokens that stay."""
    columns = np.array(later, dtype=np.int64).reshape(-1, 4).T
    return Growth(np.array(first), columns[0], columns[1] * MS, columns[2], columns[3])


@pytest.mark.parametrize("rule", RULES)
@given(requests=tables(), cost=COSTS)
def test_without_parts_all_orders_are_first_come(
    rule: Rule, requests: RequestTable, cost: CostModel
) -> None:
    plain = replace(requests, cached_tokens=np.zeros_like(requests.cached_tokens))
    whole = Growth(plain.prompt_tokens, *(np.zeros(0, np.int64) for _ in range(4)))
    found = run(plain, whole, StreamBatch(rule, 32), cost)
    assert same(found, run(plain, None, Sarathi(32), cost))
    assert same(found, run(plain, None, StreamBatch(rule, 32), cost))


def test_what_is_known_is_computed_while_the_rest_is_to_come() -> None:
    requests = table([0], [100], [1])
    growth = parts([40], [(0, 200, 70, 40), (0, 205, 100, 70)])
    found = run(requests, growth, StreamBatch())
    # 40 ms, then 30 tokens from 200 ms on, and 30 that came while they were computed.
    assert found.ended_ns.tolist() == [260 * MS]
    assert found.instances[0].tally.new_tokens == 100
    assert found.instances[0].tally.replaced_tokens == 0


def test_replaced_tokens_are_computed_again_from_where_they_differ() -> None:
    requests = table([0], [100], [1])
    idle = parts([40], [(0, 200, 100, 25)])
    found = run(requests, idle, StreamBatch())
    assert found.ended_ns.tolist() == [275 * MS]
    assert found.instances[0].tally.replaced_tokens == 15
    assert found.instances[0].tally.new_tokens == 115
    # Replaced in the midst of an iteration of all 40: what it computes behind 25 is lost.
    amid = parts([40], [(0, 10, 100, 25)])
    found = run(requests, amid, StreamBatch())
    assert found.ended_ns.tolist() == [115 * MS]
    assert found.instances[0].tally.replaced_tokens == 15


def test_orders_differ_in_whom_they_take_first() -> None:
    # A blocker runs till 50; then one whole prompt waits behind a partial one that came earlier.
    requests = table([0, 1 * MS, 2 * MS], [50, 100, 30], [1, 1, 1])
    growth = parts([50, 60, 30], [(1, 500, 100, 60)])
    ends = {rule: run(requests, growth, StreamBatch(rule, 60)).ended_ns[2] for rule in RULES}
    assert ends["fcfs"] == ends["latest-chunk"]
    assert ends["fcfs"] < ends["default"]


def test_parts_come_while_requests_wait_at_the_gateway() -> None:
    requests = table([0, 0], [50, 80], [1, 1])
    growth = parts([50, 20], [(1, 10, 60, 20), (1, 20, 80, 5)])
    group = Group("all", COST, kv_tokens=1000, composition=StreamBatch())
    router = OnDemand(1.0)
    found = simulate_fleet(Deployment((group,)), requests, router=router, growth=growth)
    assert found.started_ns.tolist() == [0, 50 * MS]
    assert found.ended_ns.tolist() == [50 * MS, 130 * MS]
    assert found.instances[0].tally.replaced_tokens == 0


def test_parts_come_to_requests_that_may_wait_on_the_host_or_move() -> None:
    requests = table([0] * 6, [40] * 6, [60, 5] * 3)
    growth = parts([20] * 6, [(row, 30 + row, 40, 10) for row in range(6)])
    group = Group(
        "all",
        Affine(base=1e-3, per_token=1e-4),
        kv_tokens=150,
        block_size=1,
        replicas=2,
        composition=StreamBatch(),
        eviction=Swap(),
        link=Link(1.0, 1e6),
    )
    runs = [
        simulate_fleet(
            Deployment((group,)),
            requests,
            router=Llumnix(0.002, 30.0, 31.0),
            growth=growth,
            jumps=jumps,
        )
        for jumps in (True, False)
    ]
    assert same(*runs)
    assert (runs[0].first_token_ns > growth.times_ns).all()
    assert sum(one.tally.swaps for one in runs[0].instances)
    assert sum(one.tally.taken_over for one in runs[0].instances)


def test_begun_prompts_go_on_where_the_first_in_order_finds_no_room() -> None:
    # The second is whole, and so before the first, until the last part of that comes.
    requests = table([0, 5 * MS], [60, 30], [1, 1])
    growth = parts([20, 30], [(0, 30, 60, 20)])
    group = Group("all", COST, 1000, max_sequences=1, composition=StreamBatch("latest-chunk"))
    found = simulate_fleet(Deployment((group,)), requests, growth=growth)
    assert found.ended_ns.tolist() == [70 * MS, 100 * MS]


@st.composite
def growing(draw: st.DrawFn) -> tuple[RequestTable, Growth]:
    """Draw requests whose prompts come in up to four parts."""
    count = draw(st.integers(1, 5))
    first: list[int] = []
    prompts: list[int] = []
    arrivals: list[int] = []
    later: list[tuple[int, int, int, int]] = []
    for row in range(count):
        arrival = (
            draw(st.integers(0, 50)) if not arrivals else arrivals[-1] + draw(st.integers(0, 50))
        )
        arrivals.append(arrival)
        known = draw(st.integers(1, 40))
        first.append(known)
        time, more = arrival, draw(st.integers(0, 3))
        whole = known
        steps = [draw(st.integers(1, 40)) for _ in range(more)]
        for step in steps:
            time += draw(st.integers(1, 80))
            kept = draw(st.integers(0, whole))
            whole += step
            later.append((row, time, whole, kept))
        prompts.append(whole)
    later.sort(key=lambda part: part[1])
    outputs = [draw(st.integers(1, 6)) for _ in range(count)]
    return table(np.array(arrivals) * MS, prompts, outputs), parts(first, later)


@pytest.mark.parametrize("rule", RULES)
@given(case=growing(), cost=COSTS)
def test_jumps_change_nothing_and_no_prompt_ends_before_its_last_part(
    rule: Rule, case: tuple[RequestTable, Growth], cost: CostModel
) -> None:
    requests, growth = case
    found = run(requests, growth, StreamBatch(rule, 16), cost)
    assert same(found, run(requests, growth, StreamBatch(rule, 16), cost, jumps=False))
    last = requests.arrival_ns.copy()
    np.maximum.at(last, growth.rows, growth.times_ns)
    assert np.all(found.first_token_ns > last)
    done = found.instances[0].tally
    assert done.new_tokens == requests.prompt_tokens.sum() + done.replaced_tokens


@pytest.mark.parametrize(
    ("first", "later", "words"),
    [
        ([5], [(0, 1, 9, 0)], "at most 10"),
        ([5], [(0, 0, 10, 0)], "more than 0"),
        ([5], [(0, 1, 10, 6)], "from 0 to 5"),
        ([10], [(0, 1, 10, 6)], "tokens of its first part"),
        ([5], [], "tokens of its first part"),
        ([5, 5], [], "1 as in the table"),
    ],
)
def test_parts_that_fit_no_prompt_are_refused(
    first: list[int], later: list[tuple[int, int, int, int]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        run(table([0], [10], [1]), parts(first, later), StreamBatch())
