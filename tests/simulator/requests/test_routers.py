"""Routers by name: what they need, what they refuse, and every one of them in a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.scenario import ROUTERS as STATED
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.dualmap import DualMap
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.routers import ROUTERS, RouterSetting, make_router
from tests.properties import examples
from tests.serving_runs import groups, same, table, tables

COST = {"base_seconds": 0.01, "per_token_seconds": 1e-5}
LINE = '{{"timestamp": {}, "input_length": 1000, "output_length": 20, "hash_ids": [{}, {}]}}\n'


@pytest.fixture
def scenario(tmp_path: Path) -> dict[str, Any]:
    """Write a trace of prompts with common blocks and return a scenario on it."""
    lines = [LINE.format(40 * row, row % 5, 100 + row) for row in range(60)]
    trace = tmp_path / "trace.jsonl"
    trace.write_text("".join(lines), encoding="utf-8")
    return {
        "replica": {"cost": COST, "kv_tokens": 8000},
        "replicas": 3,
        "trace": str(trace),
        "slo": {"ttft_seconds": 0.5},
    }


def test_scenarios_and_the_simulator_know_the_same() -> None:
    assert STATED == ROUTERS


@pytest.mark.parametrize("router", [*ROUTERS, "dualmap:2", "on-demand:0.1", "autoscaled:4"])
def test_every_router_serves_and_is_certified(scenario: dict[str, Any], router: str) -> None:
    problem = RequestScenario.model_validate({**scenario, "router": router})
    for one in simulate_requests(problem, ["sarathi", "apc"]).outcomes:
        assert one.run.served.all()
        assert len(one.certified) == 4
        assert all(each.bound is None or (each.gap or 0.0) >= 0 for each in one.certified)


def test_the_highest_rate_is_that_of_the_same_router_and_prefixes(
    scenario: dict[str, Any],
) -> None:
    problem = RequestScenario.model_validate({**scenario, "router": "dualmap"})
    (outcome,) = simulate_requests(problem, "apc", capacity=0.9).outcomes
    assert outcome.capacity is not None
    assert outcome.capacity.rate is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"router": "dualmap", "slo": None}, "slo.ttft_seconds, or seconds behind"),
        ({"router": "dualmap:x"}, "seconds from 1e-06"),
        ({"router": "round-robin:3"}, "round-robin without a number"),
        ({"router": "autoscaled:0.5"}, "whole requests"),
        ({"router": "nearest"}, "one of: least-requests"),
    ],
)
def test_routers_that_make_no_sense_are_refused(
    scenario: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        simulate_requests(RequestScenario.model_validate({**scenario, **change}), "sarathi")


def test_prefixes_have_to_be_known() -> None:
    setting = RouterSetting(np.random.default_rng(0), ttft_seconds=1.0)
    with pytest.raises(InputError, match="requests without prefixes"):
        make_router("dualmap", setting)
    with pytest.raises(UnsupportedError, match="did you mean 'dualmap'"):
        make_router("dualmaps", setting)


@st.composite
def manifold(draw: st.DrawFn) -> tuple[Deployment, RequestTable]:
    """Draw two classes of requests, each with ways of its own through several groups."""
    own = [replace(draw(groups(name)), link=Link(1.0, 1e6)) for name in "abc"]
    own += [draw(groups("p", "prefill")), draw(groups("d", "decode"))]
    flows = []
    for demand in ("one", "two"):
        ways = draw(st.lists(st.sets(st.sampled_from("abc"), min_size=1), max_size=2))
        flows += [Flow(demand, tuple(sorted(way))) for way in ways]
        if not ways or draw(st.booleans()):
            flows.append(Flow(demand, "p", "d", draw(st.floats(0.1, 3)), Link(1.0, 1e6)))
    requests = draw(tables())
    which = [draw(st.integers(0, 1)) for _ in range(len(requests))]
    classes = replace(requests, demand=np.asarray(which), demands=("one", "two"))
    return Deployment(tuple(own), tuple(flows)), classes


@pytest.mark.parametrize("name", [*ROUTERS, "autoscaled:1"])
@given(drawn=manifold())
@examples(30)
def test_requests_stay_on_ways_of_their_class(
    name: str, drawn: tuple[Deployment, RequestTable]
) -> None:
    fleet, requests = drawn
    paths = Paths.of([[(row % 3, int(each))] for row, each in enumerate(requests.prompt_tokens)])
    jumping, stepping = (
        simulate_fleet(
            fleet,
            requests,
            router=make_router(name, RouterSetting(np.random.default_rng(0), paths, 0.1)),
            jumps=jumps,
        )
        for jumps in (True, False)
    )
    assert same(jumping, stepping)
    names = [one.group for one in jumping.instances]
    for row in np.flatnonzero(jumping.served):
        demand = requests.demands[requests.demand[row]]
        first, last = jumping.instance[row], jumping.decode_instance[row]
        ways = [flow for flow in fleet.flows if flow.demand == demand]
        where = [flow for flow in ways if names[first] in flow.groups]
        assert where
        if last >= 0 and names[last] != names[first]:
            assert any(names[last] in flow.decoders for flow in where)


def test_dualmap_maps_to_those_that_compute_prompts() -> None:
    cost = Affine(0.01, 1e-5)
    groups = (
        Group("d", cost, 500, role="decode", replicas=2),
        Group("p", cost, 500, role="prefill", replicas=3, retention=LeastRecent()),
    )
    fleet = Deployment(groups, (Flow("all", "p", "d", link=Link(1.0, 1e9)),))
    count = 40
    paths = Paths.of([[(row % 4, 16), (10 + row, 40)] if row % 3 else [] for row in range(count)])
    requests = table(np.arange(count) * 10**6, [40] * count, [5] * count)
    run = simulate_fleet(fleet, requests, router=DualMap(paths, 0.02), paths=paths)
    assert run.served.all()
    assert set(run.instance.tolist()) <= {2, 3, 4}
    assert set(run.decode_instance.tolist()) == {0, 1}
