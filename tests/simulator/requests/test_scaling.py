"""Instances that come and go: cold starts, limits, scaling down, and nothing lost on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.scaling import Autoscaled
from tests.properties import examples
from tests.serving_runs import groups, table, tables

SECOND = 1_000_000_000
FLEET = Deployment((Group("f", Affine(base=0.1, per_token=0.0), 10_000, replicas=4),))


def test_the_first_request_waits_for_a_cold_start_and_later_ones_do_not() -> None:
    router = Autoscaled(4, 5.0, tick_seconds=1.0)
    run = simulate_fleet(FLEET, table([0, 10 * SECOND], 10, 2), router=router)
    assert run.queue_seconds.tolist() == [5.0, 0.0]
    assert run.first_token_ns.tolist() == [round(5.1 * SECOND), round(10.1 * SECOND)]


def test_instances_follow_the_requests_in_flight() -> None:
    # Four at a time for 100 s, two on an instance; then nothing until one more comes.
    arrivals = np.repeat(np.arange(0, 100, 10), 4) * SECOND
    requests = table([*arrivals, 400 * SECOND], 10, 90)
    router = Autoscaled(2, 5.0)
    run = simulate_fleet(FLEET, requests, router=router)
    alive = dict(router.alive)
    assert max(alive.values()) >= 2
    assert alive[300 * SECOND] == 0
    assert run.first_token_ns[-1] >= 405 * SECOND
    assert {one for time, one in router.alive if 60 <= time / SECOND <= 100} <= {2, 3, 4}


def test_instances_are_up_from_their_start_until_their_last_request_has_ended() -> None:
    router = Autoscaled(4, 5.0, tick_seconds=1.0)
    run = simulate_fleet(FLEET, table([0, 10 * SECOND], 10, 2), router=router)
    end = int(run.ended_ns.max())
    assert [router.up_ns(index, end) for index in range(4)] == [end, 0, 0, 0]
    # Up, gone in the silence, and started anew; what is alive at each look says the same.
    arrivals = np.repeat(np.arange(0, 100, 10), 4) * SECOND
    router = Autoscaled(2, 5.0)
    run = simulate_fleet(FLEET, table([*arrivals, 400 * SECOND], 10, 90), router=router)
    end = int(run.ended_ns.max())
    times, counts = np.array(router.alive).T
    seen = float((np.diff([*times, end]) * counts).sum())
    total = sum(router.up_ns(index, end) for index in range(4))
    looks = 1 + int(np.abs(np.diff(counts)).sum())
    assert total == pytest.approx(seen, abs=2 * SECOND * looks)
    assert total < 0.6 * 4 * end


def test_no_instance_takes_more_than_its_limit() -> None:
    run = simulate_fleet(FLEET, table(np.zeros(9), 10, 20), router=Autoscaled(1, 1.0))
    for index in range(4):
        own = run.instance == index
        begins, ends = np.sort(run.started_ns[own]), np.sort(run.ended_ns[own])
        assert (begins[1:] >= ends[:-1]).all()
    assert run.rejected == 0


def test_limits_change_with_time() -> None:
    router = Autoscaled((1, 3), 1.0, period_seconds=10.0)
    assert [router.level(time * SECOND) for time in (0, 9, 10, 1000)] == [1, 1, 3, 3]


def test_each_waits_for_an_instance_that_it_may_go_to() -> None:
    cost = Affine(base=0.1, per_token=0.0)
    fleet = Deployment(
        (
            Group("a", cost, 1000, replicas=2),
            Group("p", cost, 1000, role="prefill"),
            Group("d", cost, 1000, role="decode"),
        ),
        (Flow("one", "a"), Flow("two", "p", "d", link=Link(1.0, 1e9))),
    )
    requests = replace(
        table([0, SECOND, 2 * SECOND, 40 * SECOND], 10, 20),
        demand=np.array([0, 1, 0, 1]),
        demands=("one", "two"),
    )
    run = simulate_fleet(fleet, requests, router=Autoscaled(1, 5.0, tick_seconds=1.0))
    assert run.instance[[1, 3]].tolist() == [2, 2]
    assert run.decode_instance.tolist() == [-1, 3, -1, 3]
    # The first two start one of their own at once; another begins at 2 s for the third.
    assert run.queue_seconds.tolist() == [5.0, 5.0, 5.0, 0.0]


@given(
    requests=tables(),
    group=groups(),
    level=st.integers(1, 4),
    cold=st.floats(0.001, 0.3),
    tick=st.floats(0.005, 0.1),
)
@examples(60)
def test_everybody_is_served_and_jumps_change_nothing(
    requests: RequestTable, group: Group, level: int, cold: float, tick: float
) -> None:
    fleet = Deployment((group,))
    runs = [
        simulate_fleet(
            fleet, requests, router=Autoscaled(level, cold, tick_seconds=tick), jumps=jumps
        )
        for jumps in (True, False)
    ]
    assert (runs[0].served == simulate_fleet(fleet, requests).served).all()
    assert np.array_equal(runs[0].ended_ns, runs[1].ended_ns)
    assert np.array_equal(runs[0].instance, runs[1].instance)


def test_limits_and_times_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="concurrency"):
        Autoscaled(0, 1.0)
    with pytest.raises(InputError, match="concurrency"):
        Autoscaled((), 1.0)
    with pytest.raises(InputError, match="cold_seconds"):
        Autoscaled(1, 0.0)
