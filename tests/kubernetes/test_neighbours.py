"""Rules between pods hold as kube-scheduler counts: by labels, terms, and who is leaving."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.pods import ports, requests
from scheduling.kubernetes.snapshot import read_snapshot
from tests.kubernetes.objects import listed, node, pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
HOST = "kubernetes.io/hostname"
WEB = {"matchLabels": {"app": "web"}}

Object = dict[str, Any]


def host(name: str, *, closed: bool = False, **labels: str) -> Object:
    return node(name, metadata={"name": name, "labels": labels}, spec={"unschedulable": closed})


def labelled(found: Object, **labels: str) -> Object:
    found["metadata"]["labels"] = labels
    return found


def staying(name: str, node_name: str) -> Object:
    found = labelled(pod(name, node_name=node_name), app="web")
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True}
    found["metadata"]["ownerReferences"] = [owner]
    return found


def evenly(*keys: str, **changes: Any) -> list[Object]:
    rule = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": WEB}
    return [{**rule, "topologyKey": key, **changes} for key in keys]


def near(*terms: tuple[str, Object | None]) -> Object:
    stated = [
        {"topologyKey": key, **({} if selector is None else {"labelSelector": selector})}
        for key, selector in terms
    ]
    return {"podAffinity": {REQUIRED: stated}}


def placed(*objects: Object, solver: str = "cp-sat") -> dict[str, str]:
    problem = read_snapshot(listed(*objects)).problem
    solution = sch.solve(problem, solver, work_limit=5, workers=1)
    return {entry.item.removeprefix("shop/"): entry.node for entry in solution.placements}


def test_a_spread_without_selector_counts_nobody_but_needs_the_label() -> None:
    rule = evenly("zone", labelSelector=None)
    guests = [pod(name, topologySpreadConstraints=rule) for name in ("a", "b", "c")]
    hosts = host("n1"), host("n2", zone="z"), host("n3", zone="y", closed=True)
    assert placed(*hosts, *guests) == dict.fromkeys("abc", "n2")
    assert placed(host("n1"), *guests) == {}


def test_a_wish_for_even_numbers_without_selector_is_none() -> None:
    wish = evenly("zone", labelSelector=None, whenUnsatisfiable="ScheduleAnyway")
    stated = read_snapshot(listed(host("n1"), pod("a", topologySpreadConstraints=wish))).problem
    assert (stated.items[0].spread, stated.items[0].soft_spread) == ((), ())


def test_an_affinity_without_selector_is_met_nowhere() -> None:
    running, guest = pod("r", node_name="n1"), pod("p", affinity=near(("zone", None)))
    assert placed(host("n1", zone="z"), running, guest) == {"r": "n1"}


def test_all_terms_of_affinity_mean_one_pod() -> None:
    terms = near(("zone", WEB), ("host", {"matchLabels": {"tier": "db"}}))
    guest, only = labelled(pod("p", affinity=terms)), host("n1", zone="z", host="n1")
    web = labelled(pod("web", node_name="n1"), app="web")
    base = labelled(pod("base", node_name="n1"), tier="db")
    both = labelled(pod("both", node_name="n1"), app="web", tier="db")
    assert "p" not in placed(only, web, base, guest)
    assert placed(only, both, guest)["p"] == "n1"


def test_terms_of_affinity_that_no_pod_can_meet_together_are_met_nowhere() -> None:
    guest = pod("p", affinity=near(("zone", WEB), ("zone", {"matchLabels": {"app": "db"}})))
    hosts = host("n1", zone="z"), pod("web", node_name="n1")
    assert "p" not in placed(*hosts, labelled(pod("db", node_name="n1"), app="db"), guest)


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "greedy"])
def test_the_first_of_a_crowd_need_not_join_pods_outside_all_domains(solver: str) -> None:
    running, guest = pod("r", node_name="n1"), pod("p", affinity=near(("zone", WEB)))
    found = placed(host("n1"), host("n2", zone="z"), running, guest, solver=solver)
    assert found == {"r": "n1", "p": "n2"}


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "greedy"])
def test_the_first_of_a_crowd_has_met_nobody_by_any_of_its_terms(solver: str) -> None:
    # The pod in zone z stands on no rack: no rack holds one to join, and yet p is not the first.
    guest = labelled(pod("p", affinity=near(("zone", WEB), ("rack", WEB))), app="web")
    hosts = host("n1", zone="z"), host("n2", zone="z", rack="1")
    assert placed(*hosts, guest, solver=solver) == {"p": "n2"}
    assert placed(*hosts, staying("r", "n1"), guest, solver=solver) == {"r": "n1"}


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "greedy"])
def test_pods_that_all_come_follow_the_first_of_them(solver: str) -> None:
    guests = [pod(name, affinity=near(("zone", WEB))) for name in "abcd"]
    hosts = host("n1", zone="y"), host("n2", zone="z")
    for one in hosts:
        one["status"]["allocatable"]["cpu"] = "1"
    found = placed(*hosts, *guests, solver=solver)
    assert len(found) == 2
    assert len(set(found.values())) == 1
    found = placed(*hosts, staying("r", "n2"), *guests, solver=solver)
    assert len(found) == 2
    assert set(found.values()) == {"n2"}


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "greedy"])
def test_nodes_that_lack_a_label_of_one_spread_count_for_none(solver: str) -> None:
    # The empty zone y has no host label, and does not hold the least number of zones down.
    hosts = host("n1", zone="z", host="n1"), host("n2", zone="y")
    guest = pod("p", topologySpreadConstraints=evenly("zone", "host"))
    third = host("n3", zone="z", host="n3")
    found = placed(*hosts, third, pod("r", node_name="n1"), guest, solver=solver)
    assert found == {"r": "n1", "p": "n3"}


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "greedy"])
def test_spread_does_not_count_pods_that_are_being_deleted(solver: str) -> None:
    hosts = host("n1", host="n1"), host("n2", host="n2", closed=True)
    old, guest = pod("old", node_name="n1"), pod("p", topologySpreadConstraints=evenly("host"))
    assert "p" not in placed(*hosts, old, guest, solver=solver)
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert placed(*hosts, old, guest, solver=solver)["p"] == "n1"


def test_ports_of_containers_that_end_early_are_not_kept() -> None:
    def container(port: int, **changes: Any) -> Object:
        return {"name": f"c{port}", "ports": [{"hostPort": port}], **changes}

    early = [container(81), container(82, restartPolicy="Always")]
    spec = Fields({"containers": [container(80)], "initContainers": early}, "spec")
    assert [entry.port for entry in ports(spec)] == [80, 82]


def test_ports_are_those_of_their_addresses() -> None:
    stated = [
        {"hostPort": 80, "hostIP": "127.0.0.1"},
        {"hostPort": 80, "hostIP": "0.0.0.0"},
        {"hostPort": 80},
        {"hostPort": 80, "protocol": "UDP"},
    ]
    spec = Fields({"containers": [{"name": "c", "ports": stated}]}, "spec")
    found = [(entry.port, entry.protocol, entry.address) for entry in ports(spec)]
    assert found == [(80, "TCP", "127.0.0.1"), (80, "TCP", ""), (80, "UDP", "")]


def test_a_limit_of_the_whole_pod_is_its_request_where_containers_ask_for_nothing() -> None:
    asking = {"resources": {"requests": {"cpu": "100m"}}}
    limits = {"limits": {"cpu": "1", "memory": "1Ki", "hugepages-2Mi": "4Mi"}}
    spec = {"containers": [asking, asking], "resources": limits}
    expected = {"cpu": 200, "memory": 1024, "hugepages-2Mi": 4 * 2**20, "pods": 1}
    assert requests(Fields(spec, "spec")) == expected
