"""Prompts by reports and on demand: who gets what, in small cases that are worked out by hand."""

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
from scheduling.simulator.requests.policies.forwarding import OnDemand, ReportedTokens
from tests.properties import examples
from tests.serving_runs import groups, table, tables

MS = 1_000_000
SECOND = Affine(base=0.1, per_token=0.0)
TWO = Deployment((Group("p", SECOND, 1000, replicas=2),))


def test_between_two_reports_all_go_the_same_way() -> None:
    requests = table(np.arange(6) * MS, 10, 1)
    run = simulate_fleet(TWO, requests, router=ReportedTokens(0.003))
    # At 0 both are empty; at 3 ms the first has three prompts.
    assert run.instance.tolist() == [0, 0, 0, 1, 1, 1]


def test_what_nobody_accepts_waits_at_the_gateway_in_order() -> None:
    requests = table(np.arange(4) * MS, 10, 1)
    run = simulate_fleet(TWO, requests, router=OnDemand(10.0, retry_seconds=0.001))
    assert run.instance.tolist() == [0, 1, 0, 1]
    assert run.ended_ns.tolist() == [100 * MS, 101 * MS, 200 * MS, 201 * MS]
    assert all(one.tally.iterations == 2 for one in run.instances)


def test_those_that_are_late_anyway_give_way() -> None:
    # Two run, two wait; after 100 ms the one that came at 1 ms has waited beyond its limit.
    requests = table([0, 0, MS, 60 * MS], 10, 1)
    one = Deployment((Group("p", SECOND, 1000),))
    run = simulate_fleet(one, requests, router=OnDemand(0.15, retry_seconds=0.001))
    assert np.argsort(run.ended_ns, kind="stable").tolist() == [0, 1, 3, 2]


def test_answers_go_to_decode_instances_that_hold_no_prompts() -> None:
    fleet = Deployment(
        (
            Group("p", SECOND, 1000, role="prefill"),
            Group("d", SECOND, 1000, role="decode", replicas=2),
        ),
        (Flow("all", "p", "d", link=Link(1.0, 1e9)),),
    )
    run = simulate_fleet(fleet, table([0, 0], 10, 5), router=OnDemand(1.0))
    assert run.instance.tolist() == [0, 0]
    assert set(run.decode_instance.tolist()) == {1, 2}


def test_those_who_wait_for_other_instances_hold_nobody_up() -> None:
    fleet = Deployment(
        (Group("a", SECOND, 1000), Group("b", SECOND, 1000)),
        (Flow("one", "a"), Flow("two", "b"), Flow("any", ("a", "b"))),
    )
    demand = np.array([0, 0, 2, 1, 2, 1])
    requests = replace(
        table(np.arange(6) * MS, 10, 1), demand=demand, demands=("one", "two", "any")
    )
    run = simulate_fleet(fleet, requests, router=OnDemand(10.0, retry_seconds=0.001))
    assert run.instance.tolist() == [0, 0, 1, 1, 0, 1]
    assert (run.ended_ns // (100 * MS)).tolist() == [1, 2, 1, 2, 3, 3]


@given(requests=tables(), group=groups(), accepted=st.integers(1, 3), wait=st.floats(1e-3, 0.5))
@examples(60)
def test_everybody_is_served_and_jumps_change_nothing(
    requests: RequestTable, group: Group, accepted: int, wait: float
) -> None:
    fleet = Deployment((group,))
    runs = [
        simulate_fleet(
            fleet,
            requests,
            router=OnDemand(wait, accepted=accepted, retry_seconds=0.005),
            jumps=jumps,
        )
        for jumps in (True, False)
    ]
    plain = simulate_fleet(fleet, requests)
    assert (runs[0].served == plain.served).all()
    assert np.array_equal(runs[0].ended_ns, runs[1].ended_ns)


def test_times_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="report_seconds"):
        ReportedTokens(0.0)
    with pytest.raises(InputError, match="accepted"):
        OnDemand(1.0, accepted=0)
    with pytest.raises(InputError, match="patience_seconds"):
        OnDemand(-1.0)
