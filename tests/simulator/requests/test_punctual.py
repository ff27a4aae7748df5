"""Batches of which most come in time: the choice against all batches, and what comes too late."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.punctual import Punctual
from tests.properties import examples
from tests.serving_runs import table

COST = Affine(base=0.002, per_token=1e-5)


@given(st.lists(st.integers(1, 600), min_size=1, max_size=7), st.integers(2, 12))
@examples(40)
def test_no_first_batch_brings_more_in_time(lengths: list[int], milliseconds: int) -> None:
    limit = milliseconds / 1e3
    requests = table([0] * len(lengths), lengths, [1] * len(lengths))
    group = Group("one", COST, 10**6, composition=Punctual((limit,)))
    run = simulate_fleet(Deployment((group,)), requests)
    fits = [
        count
        for count in range(1, len(lengths) + 1)
        for chosen in combinations(lengths, count)
        if COST.base + COST.per_token * sum(chosen) <= limit
    ]
    # All come at once, so that one batch brings most of them: two pay the base twice.
    assert int((run.ttft_seconds <= limit + 1e-12).sum()) == max(fits, default=0)
    assert run.served.all()


def test_what_is_too_late_waits_for_what_is_not() -> None:
    # The long one cannot be in time; the short one comes while nothing runs.
    requests = table([0, 0], [900, 100], [1, 1])
    group = Group("one", COST, 10**6, composition=Punctual((0.005,)))
    run = simulate_fleet(Deployment((group,)), requests)
    assert run.first_token_ns.tolist() == [14_000_000, 3_000_000]


def test_a_batch_keeps_to_its_tokens() -> None:
    requests = table([0] * 3, [100, 100, 500], [1] * 3)
    group = Group("one", COST, 10**6, composition=Punctual((None,), tokens=250))
    run = simulate_fleet(Deployment((group,)), requests)
    assert run.first_token_ns.tolist() == [4_000_000, 4_000_000, 11_000_000]
