"""Slowdowns against runs of single requests, and Jain's index against its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fairness import fairness, jain
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Orca
from tests.properties import examples
from tests.serving_runs import COSTS, table, tables


@given(requests=tables(), cost=COSTS)
@examples(40)
def test_slowdown_is_the_time_over_that_of_a_run_of_the_request_alone(
    requests: RequestTable, cost: CostModel
) -> None:
    group = Group("all", cost, kv_tokens=400, composition=Orca())
    fleet = Deployment((group,))
    run = simulate_fleet(fleet, requests)
    slowdowns = []
    for row, took in enumerate(run.e2e_seconds):
        alone = table(
            [0],
            requests.prompt_tokens[row],
            requests.output_tokens[row],
            requests.cached_tokens[row],
        )
        slowdowns.append(took / simulate_fleet(fleet, alone).e2e_seconds[0])
    found = fairness(run, {"all": group.cost})
    assert found is not None
    # Ends are whole nanoseconds, of requests that take at least 100 microseconds.
    assert found.slowdown_max == pytest.approx(max(slowdowns), rel=1e-4)
    assert found.slowdown_mean == pytest.approx(np.mean(slowdowns), rel=1e-4)
    assert found.jain_requests == pytest.approx(jain(1 / np.array(slowdowns)), rel=1e-4)
    assert found.jain_classes is None


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_jains_index_lies_between_one_share_and_one(values: list[float]) -> None:
    found = jain(np.array(values))
    assert 1 / len(values) - 1e-12 <= found <= 1 + 1e-12
    assert jain(np.full(len(values), values[0])) == pytest.approx(1)


def test_classes_that_wait_are_told_apart() -> None:
    requests = RequestTable(
        np.zeros(3, dtype=np.int64),
        np.full(3, 10),
        np.full(3, 3),
        np.array([0, 1, 1]),
        np.zeros(3, dtype=np.int64),
        ("first", "second"),
    )
    cost = Affine(base=0.01, per_token=0.0)
    fleet = Deployment((Group("all", cost, kv_tokens=100, max_sequences=1),))
    run = simulate_fleet(fleet, requests)
    found = fairness(run, {"all": cost}, programs=np.array([7, 7, 3]))
    assert found is not None
    # One after the other: slowdowns 1, 2 and 3; the second class has speed 2 / 5.
    assert found.slowdown_max == pytest.approx(3)
    assert found.jain_classes == pytest.approx(1.4**2 / (2 * (1 + 0.16)))
    assert found.slowdown_class == pytest.approx(2.5)
    # Two of one program have speed 2 / 3, the third alone 1 / 3.
    assert found.jain_programs == pytest.approx(1 / (2 * (4 / 9 + 1 / 9)))
    assert found.slowdown_program == pytest.approx(3)
    same = fairness(run, {"all": cost}, programs=np.zeros(3, dtype=np.int64))
    assert same is not None
    assert (same.jain_programs, same.slowdown_program) == (None, None)


def test_users_that_wait_are_told_apart_and_unknown_ones_count_for_nothing() -> None:
    zeros = np.zeros(4, dtype=np.int64)
    users = np.array([1, 0, 0, -1])
    requests = RequestTable(
        zeros, zeros + 10, zeros + 3, zeros, zeros, user=users, users=("ann", "bob")
    )
    cost = Affine(base=0.01, per_token=0.0)
    fleet = Deployment((Group("all", cost, kv_tokens=100, max_sequences=1),))
    run = simulate_fleet(fleet, requests)
    found = fairness(run, {"all": cost})
    assert found is not None
    # One after the other: slowdowns 1 to 4, of which the second and third are of one user.
    assert found.jain_users == pytest.approx(1.4**2 / (2 * (1 + 0.16)))
    assert found.slowdown_user == pytest.approx(2.5)
    for unknown in (None, np.array([1, -1, -1, -1])):
        anonymous = fairness(replace(run, table=replace(requests, user=unknown)), {"all": cost})
        assert anonymous is not None
        assert (anonymous.jain_users, anonymous.slowdown_user) == (None, None)


def test_answers_are_timed_on_the_group_that_made_them() -> None:
    fast, slow = Affine(base=0.001, per_token=0.0), Affine(base=0.01, per_token=0.0)
    fleet = Deployment(
        (Group("p", fast, 100, role="prefill"), Group("d", slow, 100, role="decode")),
        (Flow("all", "p", "d", link=Link(0.0, 1.0)),),
    )
    found = fairness(simulate_fleet(fleet, table([0], 10, 4)), {"p": fast, "d": slow})
    assert found is not None
    assert found.slowdown_max == pytest.approx(1.0)


def test_nothing_served_has_no_fairness() -> None:
    cost = Affine(base=0.01, per_token=0.0)
    run = simulate_fleet(Deployment((Group("all", cost, 16),)), table([0], 100, 4))
    assert fairness(run, {"all": cost}) is None
