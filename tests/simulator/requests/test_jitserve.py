"""JITServe's choice against brute force, and what it does with limits that cannot all be kept."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.fastswitch import Swap
from scheduling.simulator.requests.policies.jitserve import JitServe, Rule, Worth, best_window
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import table

COST = Affine(base=0.01, per_token=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=9),
    st.integers(1, 9),
)
def test_the_window_is_the_best_of_all(rows: list[tuple[int, int]], seats: int) -> None:
    values, lengths = [float(value) for value, _ in rows], [length for _, length in rows]
    found = best_window(values, lengths, seats)
    order = sorted(range(len(rows)), key=lambda place: (lengths[place], place))
    windows = [order[start : start + seats] for start in range(max(1, len(rows) - seats + 1))]
    total = sum(values[place] for place in found)
    assert total == max(sum(values[place] for place in window) for window in windows)
    assert len(found) == min(seats, len(rows))
    if len(set(lengths)) == 1 and len(rows) <= 6:
        # All of one length, in the order of values, every set of greatest sum is a window.
        ranked = best_window(sorted(values), lengths, seats)
        least = sum(sorted(values)[place] for place in ranked)
        assert least == max(map(sum, combinations(values, len(found))))


def run(requests: RequestTable, rule: Rule, limit: float, seats: int, every: int = 5) -> FleetRun:
    worth = Worth(requests.output_tokens, (None,), (None,), (limit,), COST, 0.01)
    policy = JitServe(worth, rule, every)
    group = Group(
        "all",
        COST,
        kv_tokens=10_000,
        max_sequences=seats,
        composition=policy,
        eviction=Swap(tokens_per_second=1e12, copy_seconds=0.0),
    )
    return simulate_fleet(Deployment((group,)), requests)


def test_a_hopeless_request_gives_way_to_one_that_can_still_keep_its_limit() -> None:
    # The first takes 5 s of its 1; the other comes when it has the only seat.
    requests = table([0, 10**8], [10, 10], [500, 50])
    for rule, kept in (("gmax", 1), ("deadline", 0), ("shortest", 1), ("least-served", 0)):
        found = run(requests, rule, limit=1.0, seats=1)  # type: ignore[arg-type]
        assert int((found.e2e_seconds <= 1.0).sum()) == kept, rule


def test_the_released_window_takes_the_worst() -> None:
    rng = np.random.default_rng(5)
    requests = table([0] * 24, rng.integers(10, 50, 24), rng.integers(5, 200, 24))
    kept = {
        rule: int((run(requests, rule, limit=2.0, seats=4).e2e_seconds <= 2.0).sum())
        for rule in ("gmax", "gmax-released", "deadline")
    }
    assert kept["gmax"] > kept["gmax-released"]
    assert kept["gmax"] > kept["deadline"]


def test_deadlines_are_those_of_the_kind_of_limit() -> None:
    requests = table([0, 0, 0], [10, 10, 10], [11, 11, 11])
    worth = Worth(
        requests.output_tokens, (1.0, 1.0, None), (0.1, None, None), (None, None, 5.0), COST, 0.01
    )
    limits = [worth.deadline(Live(0, 0, demand, 10, 0)) for demand in range(3)]
    assert limits == pytest.approx([2.0, 1.0, 5.0])
