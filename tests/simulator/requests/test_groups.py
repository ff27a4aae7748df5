"""Scenarios with groups of replicas: the same runs as fleets that are built by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.stated import stated_fleet
from tests.serving_runs import table

FAST, SLOW = Affine(base=0.001, per_token=1e-5), Affine(base=0.004, per_token=4e-5)
COSTS = [{"base_seconds": cost.base, "per_token_seconds": cost.per_token} for cost in (FAST, SLOW)]
WORKLOAD = {
    "classes": [
        {
            "arrivals": {"kind": "poisson", "rate": 50.0},
            "prompt": {"kind": "uniform", "low": 10, "high": 400},
            "output": {"kind": "uniform", "low": 2, "high": 50},
        }
    ]
}


def stated(groups: list[dict[str, Any]], **more: Any) -> RequestScenario:
    for group in groups:
        group["replica"] = {"cost": COSTS[group.pop("cost", 0)], "kv_tokens": group.pop("kv", 1600)}
    return RequestScenario.model_validate(
        {"groups": groups, "workload": WORKLOAD, "requests": 120, **more}
    )


def test_ways_are_the_flows_of_a_deployment() -> None:
    problem = stated(
        [
            {"name": "p", "role": "prefill", "replicas": 2},
            {"name": "d", "role": "decode", "cost": 1, "max_sequences": 8},
            {"name": "w", "cost": 1},
        ],
        ways=[
            {
                "groups": ["p"],
                "decode": ["d"],
                "weight": 3.0,
                "link": {"bytes_per_second": 1e6, "bytes_per_token": 10.0, "latency_seconds": 0.01},
            },
            {"groups": ["w"]},
        ],
    )
    found = simulate_requests(problem, "sarathi")
    fleet = Deployment(
        (
            Group("p", FAST, 1600, role="prefill", replicas=2),
            Group("d", SLOW, 1600, role="decode", max_sequences=8),
            Group("w", SLOW, 1600),
        ),
        (
            Flow("all", "p", "d", 3.0, Link(10.0, 1e6, 0.01)),
            Flow("all", "w"),
        ),
    )
    run = simulate_fleet(fleet, found.table)
    assert np.array_equal(found.outcomes[0].run.ended_ns, run.ended_ns)
    assert (run.decode_instance >= 0).sum() == pytest.approx(90, abs=1)
    assert found.outcomes[0].spending is None


def test_the_router_chooses_among_all_replicas_of_all_groups() -> None:
    problem = stated([{"name": "a"}, {"name": "b", "cost": 1, "replicas": 2}], router="round-robin")
    run = simulate_requests(problem, "sarathi").outcomes[0].run
    assert np.array_equal(run.instance, np.arange(120) % 3)


def test_requests_go_where_they_fit() -> None:
    problem = stated([{"name": "small", "kv": 160}, {"name": "large"}], router="round-robin")
    found = simulate_requests(problem, "sarathi")
    run, requests = found.outcomes[0].run, found.table
    large = requests.prompt_tokens + requests.output_tokens > 161
    assert large.any()
    assert (run.instance[large] == 1).all()
    assert set(run.instance[~large]) == {0, 1}
    assert run.rejected == 0


def test_answers_go_where_they_fit() -> None:
    groups = (
        Group("p", FAST, 1600, role="prefill"),
        Group("small", FAST, 160, role="decode"),
        Group("large", FAST, 320, role="decode"),
    )
    fleet = Deployment(groups, (Flow("all", "p", ("small", "large"), link=Link(0.0, 1.0)),))
    run = simulate_fleet(
        fleet, table([0, 1, 2, 3], [150, 150, 400, 20], [50, 5, 5, 5]), router="round-robin"
    )
    assert run.decode_instance[[0, 2]].tolist() == [2, -1]
    assert set(run.decode_instance[[1, 3]]) == {1, 2}
    assert run.rejected == 1


def test_links_default_to_the_network_of_the_prompts_replica() -> None:
    replica = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "layout": {"tp": 2}}
    problem = RequestScenario.model_validate(
        {
            "groups": [
                {"name": "p", "replica": replica, "role": "prefill"},
                {"name": "d", "replica": replica, "role": "decode"},
            ],
            "ways": [{"groups": ["p"], "decode": ["d"]}],
            "workload": WORKLOAD,
            "requests": 2,
        }
    )
    machine = stated_fleet(problem).machines["p"]
    assert machine.bytes_per_second == 2 * gpu("h100-sxm").network_bandwidth
    assert machine.kv_bytes_per_token == llm("llama-3.1-8b").kv_bytes_per_token("bf16")
    outcome = simulate_requests(problem, "sarathi").outcomes[0]
    price = gpu("h100-sxm").price_per_hour or 0
    assert outcome.spending is not None
    hours = outcome.run.makespan_seconds / 3600
    assert outcome.spending.dollars == pytest.approx(4 * price * hours)


@pytest.mark.parametrize(
    ("groups", "more", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], {}, "'a' 2 times"),
        ([{"name": "a", "role": "prefill"}], {}, "ways that lead to it"),
        ([{"name": "a"}], {"ways": [{"groups": ["b"]}]}, "no such group"),
        ([{"name": "a"}], {"ways": [{"groups": ["a"], "decode": ["a"]}]}, "role prefill"),
        ([{"name": "a"}], {"ways": [{"groups": ["a"], "link": {}}]}, "decode, the groups"),
        ([{"name": "a"}], {"replicas": 2}, "replicas of each group"),
        ([], {}, "neither"),
        ([], {"replica": {"cost": COSTS[0], "kv_tokens": 9}, "ways": [{"groups": ["a"]}]}, "ways"),
    ],
)
def test_fleets_that_make_no_sense_are_refused(
    groups: list[dict[str, Any]], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        stated(groups, **more)


def test_ways_without_a_rate_or_a_class_are_refused_by_place() -> None:
    pair = [{"name": "p", "role": "prefill"}, {"name": "d", "role": "decode"}]
    problem = stated(pair, ways=[{"groups": ["p"], "decode": ["d"]}])
    with pytest.raises(InputError, match=r"ways\[0\].link.bytes_per_second"):
        simulate_requests(problem, "sarathi")
    problem = stated([{"name": "a"}], ways=[{"groups": ["a"], "demand": "chat"}])
    with pytest.raises(InputError, match=r"ways\[0\].demand"):
        simulate_requests(problem, "sarathi")
