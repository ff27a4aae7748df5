"""FlowPrefill against a plain replay of its rule, operator by operator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.flowprefill import FlowPrefill
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestRemaining,
    SlackDeadline,
)
from scheduling.simulator.requests.policy import Ranking
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import table

MS = 1_000_000
COST = Affine(base=0.0, per_token=1e-3)
LIMITS = (0.1, 0.4)
OPERATORS = 10


def requests_of(arrivals_ms: list[int], prompts: list[int], demand: list[int]) -> RequestTable:
    """Return prompts of which only the first token is wanted."""
    plain = table(np.asarray(arrivals_ms) * MS, prompts, 1)
    return replace(plain, demand=np.asarray(demand), demands=("text", "file"))


def simulated(requests: RequestTable, order: Ranking, short: int = 1, seats: int = 99) -> FleetRun:
    """Run prompts of up to 8192 tokens by an order; ``short`` 1 lets none be joined."""
    policy = FlowPrefill(order, LIMITS, OPERATORS, short=short)
    group = Group(
        "all",
        COST,
        kv_tokens=100_000,
        max_sequences=seats,
        composition=policy,
        order=order,
    )
    return simulate_fleet(Deployment((group,)), requests)


def replayed(requests: RequestTable, rule: str) -> list[int]:
    """Return when each prompt is done in nanoseconds, by a loop over operators.

    At an arrival the first in order is chosen anew, but what runs goes on to its operator's end.
    """
    arrivals = requests.arrival_ns.tolist()
    deadlines = [
        arrival + round(LIMITS[kind] * 1e9)
        for arrival, kind in zip(arrivals, requests.demand.tolist(), strict=True)
    ]
    operator = [int(tokens) * MS // OPERATORS for tokens in requests.prompt_tokens]
    left = [OPERATORS] * len(requests)
    done = [0] * len(requests)
    now, running = 0, None
    while any(left):
        here = [row for row in range(len(left)) if left[row] and arrivals[row] <= now]
        if not here:
            now = min(arrivals[row] for row in range(len(left)) if left[row])
            continue

        def key(row: int, at: int = now) -> tuple[float, ...]:
            rest = left[row] * operator[row]
            if rule == "edf":
                return deadlines[row], arrivals[row], row
            return rest, arrivals[row], row

        # Nothing is decided while nothing comes.
        came = (
            any(now - operator[running] < arrivals[row] <= now for row in here)
            if (running is not None)
            else True
        )
        if running is None or not left[running] or came:
            running = min(here, key=key)
        now += operator[running]
        left[running] -= 1
        if not left[running]:
            done[running] = now
            running = None
    return done


CASES = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from([10, 20, 50, 90, 200]), st.integers(0, 1)),
    min_size=1,
    max_size=7,
    unique_by=lambda one: one[0],
)


@given(CASES)
def test_an_order_without_time_is_that_of_the_replay(cases: list[tuple[int, int, int]]) -> None:
    rows = sorted(cases)
    requests = requests_of(*(list(column) for column in zip(*rows, strict=True)))
    for rule, order in (("edf", EarliestDeadline(LIMITS)), ("srpt", ShortestRemaining(COST))):
        assert simulated(requests, order).ended_ns.tolist() == replayed(requests, rule)


@given(CASES)
def test_no_work_is_lost_or_idle(cases: list[tuple[int, int, int]]) -> None:
    rows = sorted(cases)
    requests = requests_of(*(list(column) for column in zip(*rows, strict=True)))
    run = simulated(requests, SlackDeadline(LIMITS, COST))
    assert run.instances[0].tally.busy_ns == int(requests.prompt_tokens.sum()) * MS
    assert run.instances[0].tally.new_tokens == int(requests.prompt_tokens.sum())
    free = 0
    for arrival, tokens in zip(requests.arrival_ns, requests.prompt_tokens, strict=True):
        free = max(free, int(arrival)) + int(tokens) * MS
    assert run.ended_ns.max() == free


def test_an_urgent_prompt_waits_for_one_operator() -> None:
    requests = requests_of([0, 33], [200, 20], [1, 0])
    run = simulated(requests, SlackDeadline(LIMITS, COST))
    # The long prompt's operators take 20 ms; it gives way at 40 ms and ends after both.
    assert run.started_ns.tolist() == [0, 40 * MS]
    assert run.ended_ns.tolist() == [220 * MS, 60 * MS]


def test_late_prompts_come_last_and_the_latest_deadline_first() -> None:
    # The first prompt cannot keep 0.1 s any more, the others can keep 0.4 s.
    requests = requests_of([0, 1, 2], [150, 150, 150], [0, 1, 1])
    run = simulated(requests, SlackDeadline(LIMITS, COST))
    edf = simulated(requests, EarliestDeadline(LIMITS))
    assert np.argmax(run.ended_ns) == 0
    assert edf.ended_ns.tolist() == [150 * MS, 300 * MS, 450 * MS]
    assert [int((one.ttft_seconds <= [0.1, 0.4, 0.4]).sum()) for one in (run, edf)] == [2, 1]


def test_short_prompts_share_a_pass() -> None:
    requests = requests_of([0, 0, 0], [40, 30, 20], [1, 1, 1])
    apart = simulated(requests, EarliestDeadline(LIMITS), short=1)
    assert apart.ended_ns.tolist() == [40 * MS, 70 * MS, 90 * MS]
    # 40 + 20 tokens do not exceed 64, but the queue is not searched for what fits.
    joined = simulated(requests, EarliestDeadline(LIMITS), short=64)
    assert joined.ended_ns.tolist() == [40 * MS, 90 * MS, 90 * MS]


def test_nobody_joins_a_prompt_that_would_lose_its_slack() -> None:
    # Alone the first takes 60 ms of its 100; with the second 95, of which 10 must stay.
    requests = requests_of([0, 0], [60, 35], [0, 0])
    run = simulated(requests, SlackDeadline(LIMITS, COST), short=2048)
    assert run.ended_ns.tolist() == [60 * MS, 95 * MS]
    both = requests_of([0, 0], [60, 25], [0, 0])
    run = simulated(both, SlackDeadline(LIMITS, COST), short=2048)
    assert run.ended_ns.tolist() == [85 * MS, 85 * MS]


def test_without_a_free_seat_nobody_gives_way() -> None:
    requests = requests_of([0, 33], [200, 20], [1, 0])
    run = simulated(requests, SlackDeadline(LIMITS, COST), seats=1)
    assert run.ended_ns.tolist() == [200 * MS, 220 * MS]
