"""Snapshots as kubectl prints them: quantities, requests, rules, what is left out, bad input."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.pods import requests
from scheduling.kubernetes.quantities import amount, parse_quantity
from scheduling.kubernetes.snapshot import read_snapshot
from scheduling.models.placement.rules import ItemTerm, Selector, Spread
from tests.kubernetes.objects import listed, node, pod


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", Fraction(1, 4)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("1e3", Fraction(1000)),
        ("12E", Fraction(12 * 10**18)),
        (".5", Fraction(1, 2)),
        (2, Fraction(2)),
        ("100n", Fraction(1, 10**7)),
        ("1E-3", Fraction(1, 1000)),
    ],
)
def test_quantities_are_exact(text: object, value: Fraction) -> None:
    assert parse_quantity(text, "x") == value


@pytest.mark.parametrize("text", ["", "1Q", "-1", "1 Gi", "NaN", "inf", True, None, [], "1e9999"])
def test_what_is_no_quantity_is_named(text: object) -> None:
    with pytest.raises(InputError, match=r"x: found .* expected a quantity"):
        parse_quantity(text, "x")


@given(st.integers(0, 10**15))
def test_milli_units_round_up(number: int) -> None:
    assert amount("memory", f"{number}m", "x") == -(-number // 1000)
    assert amount("cpu", f"{number}m", "x") == number


def test_requests_of_sidecars_and_init_containers() -> None:
    def container(cpu: str, **fields: Any) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **fields}

    spec = {
        "containers": [container("100m"), container("200m")],
        "initContainers": [
            container("900m"),
            container("50m", restartPolicy="Always"),
            container("500m"),
        ],
        "overhead": {"cpu": "10m"},
    }
    # Running: 300 + 50; the peak is the first init container alone.
    assert requests(Fields(spec, "spec")) == {"cpu": 910, "pods": 1}
    spec["initContainers"] = [container("50m", restartPolicy="Always"), container("500m")]
    assert requests(Fields(spec, "spec")) == {"cpu": 560, "pods": 1}


def test_limits_stand_in_for_requests_and_pod_level_requests_come_first() -> None:
    spec: dict[str, Any] = {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 2}}}]}
    assert requests(Fields(spec, "spec")) == {"nvidia.com/gpu": 2, "pods": 1}
    spec["resources"] = {"requests": {"cpu": "1"}}
    assert requests(Fields(spec, "spec")) == {"nvidia.com/gpu": 2, "cpu": 1000, "pods": 1}


def test_rules_of_a_pod() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    entry = pod(
        "web-1",
        tolerations=[{"operator": "Exists"}],
        nodeSelector={"disk": "ssd"},
        affinity={
            "nodeAffinity": {
                required: {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "gpu", "operator": "Gt", "values": ["1"]}]}
                    ]
                }
            },
            "podAntiAffinity": {required: [term]},
        },
        topologySpreadConstraints=[
            {
                "maxSkew": 2,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "web"}},
            },
            {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"},
        ],
    )
    item = read_snapshot(listed(node("n"), entry)).problem.items[0]
    selector = Selector(match={"app": "web"})
    assert item.anti_affinity == (ItemTerm(selector=selector, topology="zone"),)
    assert item.spread == (Spread(selector=selector, topology="zone", max_skew=2),)
    assert item.node_selector == {"disk": "ssd"}
    assert item.node_affinity[0].labels[0].operator == "Gt"
    assert item.tolerations[0].key is None


def test_what_cannot_be_taken_is_left_out_and_named() -> None:
    snapshot = read_snapshot(
        listed(
            node("n"),
            pod("lost", node_name="gone"),
            pod("gated", schedulingGates=[{"name": "wait"}]),
            pod("claimed", resourceClaims=[{"name": "gpu"}]),
            pod("kept"),
        )
    )
    assert [item.id for item in snapshot.problem.items] == ["shop/kept"]
    text = " ".join(snapshot.notes)
    assert all(word in text for word in ("shop/lost", "'gone'", "shop/gated", "shop/claimed"))


def test_running_pods_with_resource_claims_stay_and_are_named() -> None:
    claimed = pod("claimed", node_name="n", resourceClaims=[{"name": "gpu"}])
    snapshot = read_snapshot(listed(node("n"), claimed))
    assert snapshot.problem.items[0].pinned
    assert any("shop/claimed" in note and "resource claims" in note for note in snapshot.notes)


def test_priorities_budgets_quotas_volumes_and_daemons() -> None:
    owner = {"kind": "DaemonSet", "name": "agent", "controller": True}
    daemon = pod("agent-1", node_name="n", priorityClassName="high")
    daemon["metadata"]["ownerReferences"] = [owner]
    terms = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}]
    volume = {"persistentVolumeClaim": {"claimName": "data"}}
    snapshot = read_snapshot(
        listed(
            node("n"),
            daemon,
            pod("db-1", volumes=[volume]),
            {"kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000},
            {
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"selector": {"matchLabels": {"app": "web"}}},
                "status": {"disruptionsAllowed": 1},
            },
            {
                "kind": "ResourceQuota",
                "metadata": {"name": "q", "namespace": "shop"},
                "spec": {"hard": {"requests.cpu": "4", "limits.cpu": "8", "pods": "10"}},
            },
            {
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data", "namespace": "shop"},
                "spec": {"volumeName": "pv"},
            },
            {
                "kind": "PersistentVolume",
                "metadata": {"name": "pv"},
                "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}},
            },
        )
    )
    problem = snapshot.problem
    agent, database = problem.items
    assert (agent.pinned, agent.priority, agent.owner) == (True, 1000, "agent")
    assert database.volumes[0][0].labels[0].values == ("b",)
    assert problem.budgets[0].allowed == 1
    assert problem.quotas[0].limits == {"cpu": 4000, "pods": 10}


def test_yaml_is_read_as_json_is() -> None:
    text = listed(node("n"), pod("web-1"))
    assert read_snapshot(yaml.safe_dump(json.loads(text))) == read_snapshot(text)


def test_finished_pods_take_nothing() -> None:
    done = pod("done", node_name="n")
    done["status"]["phase"] = "Succeeded"
    assert read_snapshot(listed(node("n"), done)).problem.items == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mapping"),
        ("[]", "mapping"),
        ("{}", "kind"),
        ('{"kind": "List", "items": [', "valid JSON"),
        (listed(pod("web-1")), "no node"),
        (listed(node("n"), pod("p", tolerations=[{"effect": "Never"}])), "one of NoSchedule"),
        (listed(node("n"), pod("p", priority="high")), "a whole number"),
        (listed(node("n"), pod("p", nodeSelector=["x"])), "a mapping"),
        (listed(node("n", status={"allocatable": {"cpu": "two"}})), "a quantity"),
        (listed(node("n"), {"metadata": {}}), "kind"),
    ],
)
def test_bad_input_is_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_snapshot(text, "cluster.json")


def test_all_that_is_wrong_in_a_cluster_is_named_once() -> None:
    other = node("m", status={"allocatable": {"cpu": "two", "memory": "1Gi", "pods": "many"}})
    other["spec"] = {"taints": [{"effect": "Never"}]}
    broken: dict[str, Any] = {"priority": "high", "nodeSelector": {"zone": 3}, "tolerations": [7]}
    budget: dict[str, Any] = {"kind": "PodDisruptionBudget", "metadata": {"name": "b"}}
    budget["spec"] = {"selector": {}, "minAvailable": "half"}
    odd: Any = 5
    text = listed(node("n"), other, pod("p", **broken), pod("q", **broken), budget, odd, {})
    with pytest.raises(InputError) as caught:
        read_snapshot(text, "cluster.json")
    found = [(fault.place, fault.found) for fault in caught.value.faults]
    pods = [
        (f"items[{number}] (Pod shop/{name}).spec.{field}", value)
        for number, name in ((2, "p"), (3, "q"))
        for field, value in (
            ("tolerations[0]", "7"),
            ("nodeSelector.zone", "3"),
            ("priority", "'high'"),
        )
    ]
    assert found == [
        ("items[5]", "5"),
        ("items[6].kind", "nothing"),
        ("items[1] (Node m).status.allocatable.cpu", "'two'"),
        ("items[1] (Node m).status.allocatable.pods", "'many'"),
        ("items[1] (Node m).spec.taints[0].key", "nothing"),
        ("items[1] (Node m).spec.taints[0].effect", "'Never'"),
        *pods,
        ("items[4] (PodDisruptionBudget b).spec.minAvailable", "'half'"),
    ]
    assert str(caught.value).startswith("cluster.json: items[5]: found 5, expected a mapping\n")


def test_what_a_model_refuses_is_named_beside_the_rest() -> None:
    text = listed(node("n"), pod("p", nodeName=5), pod("q", priority=2**80), node("m"), node("m"))
    with pytest.raises(InputError) as caught:
        read_snapshot(text)
    places = [fault.place for fault in caught.value.faults]
    assert places[0] == "items[1] (Pod shop/p).spec.nodeName"
    assert places[1].startswith("items[2] (Pod shop/q): priority")
