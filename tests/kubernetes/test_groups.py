"""Gangs, quotas with scopes, pods that preempt nothing, policies of spread: read and kept."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.kubernetes.snapshot import read_snapshot
from scheduling.models.placement.problem import Gang, PlacementProblem
from tests.kubernetes.objects import listed, node, pod

ZONE = "topology.kubernetes.io/zone"


def problem_of(*objects: dict[str, Any]) -> PlacementProblem:
    return read_snapshot(listed(*objects)).problem


def placed(problem: PlacementProblem, solver: str = "cp-sat") -> dict[str, str]:
    solution = sch.solve(problem, solver, work_limit=5, workers=1)
    return {entry.item: entry.node for entry in solution.placements}


def member(
    name: str, *, labels: Any = None, annotations: Any = None, **spec: Any
) -> dict[str, Any]:
    entry = pod(name, **spec)
    entry["metadata"]["labels"].update(labels or {})
    entry["metadata"]["annotations"] = annotations or {}
    return entry


def thing(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, **fields}


@pytest.mark.parametrize(
    ("marks", "objects", "gang"),
    [
        (
            {"labels": {"scheduling.x-k8s.io/pod-group": "g"}},
            [thing("PodGroup", "g", spec={"minMember": 2})],
            Gang(id="shop/g", least=2),
        ),
        (
            {"annotations": {"scheduling.k8s.io/group-name": "g"}},
            [thing("PodGroup", "g", spec={"minMember": 3})],
            Gang(id="shop/g", least=3),
        ),
        (
            {
                "labels": {"kueue.x-k8s.io/pod-group-name": "g"},
                "annotations": {
                    "kueue.x-k8s.io/pod-group-total-count": "4",
                    "kueue.x-k8s.io/podset-required-topology": ZONE,
                },
            },
            [],
            Gang(id="shop/g", least=4, topology=ZONE),
        ),
        (
            {"workloadRef": {"name": "w", "podGroup": "workers"}},
            [
                thing(
                    "Workload",
                    "w",
                    spec={"podGroups": [{"name": "workers", "policy": {"gang": {"minCount": 2}}}]},
                )
            ],
            Gang(id="shop/w/workers", least=2),
        ),
        (
            {"workloadRef": {"name": "w", "podGroup": "workers"}},
            [
                thing(
                    "Workload",
                    "w",
                    spec={"podGroups": [{"name": "workers", "policy": {"basic": {}}}]},
                )
            ],
            Gang(id="shop/w/workers", least=1),
        ),
        ({"labels": {"scheduling.x-k8s.io/pod-group": "g"}}, [], Gang(id="shop/g")),
    ],
)
def test_groups_of_pods_are_gangs(
    marks: dict[str, Any], objects: list[dict[str, Any]], gang: Gang
) -> None:
    problem = problem_of(node("n"), *objects, *(member(f"p{k}", **marks) for k in range(3)))
    assert problem.gangs == (gang,)
    assert {item.gang for item in problem.items} == {gang.id}
    # Three pods are there: a gang of four waits for the last one.
    assert len(placed(problem)) == (0 if gang.least == 4 else 3)


def test_a_count_that_is_none_is_named() -> None:
    marks = {
        "labels": {"kueue.x-k8s.io/pod-group-name": "g"},
        "annotations": {"kueue.x-k8s.io/pod-group-total-count": "many"},
    }
    with pytest.raises(InputError, match=r"items\[1\] .*total-count: found 'many'"):
        problem_of(node("n"), member("p", **marks))


@pytest.mark.parametrize(
    ("spec", "members"),
    [
        ({"scopes": ["BestEffort"]}, {"shop/none"}),
        ({"scopes": ["NotBestEffort", "Terminating"]}, {"shop/ends"}),
        ({"scopes": ["NotTerminating"]}, {"shop/none", "shop/high", "shop/far"}),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {"shop/far"}),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [
                        {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
                    ]
                }
            },
            {"shop/high"},
        ),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]
                }
            },
            {"shop/none", "shop/ends", "shop/far"},
        ),
    ],
)
def test_quotas_with_scopes_name_their_pods(spec: dict[str, Any], members: set[str]) -> None:
    term = {"labelSelector": {}, "topologyKey": ZONE, "namespaceSelector": {}}
    wish = [{"weight": 1, "podAffinityTerm": term}]
    far = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wish}}
    none = pod("none")
    none["spec"]["containers"] = [{"name": "c"}]
    quota = thing("ResourceQuota", "q", spec={"hard": {"pods": "0"}, **spec})
    problem = problem_of(
        node("n"),
        none,
        pod("ends", activeDeadlineSeconds=60),
        pod("high", priorityClassName="high"),
        pod("far", affinity=far),
        quota,
    )
    assert set(problem.quotas[0].members or ()) == members
    assert set(placed(problem)) == {item.id for item in problem.items} - members


def test_unknown_scopes_are_named() -> None:
    quota = thing("ResourceQuota", "q", spec={"hard": {}, "scopes": ["Everything"]})
    with pytest.raises(InputError, match=r"spec.scopes\[0\]: found 'Everything', expected one of"):
        problem_of(node("n"), quota)


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "best-fit", "auto"])
def test_pods_that_preempt_nothing_make_nobody_leave(solver: str) -> None:
    small = node("m")
    small["status"]["allocatable"]["cpu"] = "500m"
    room = [node("n"), small, pod("runs", node_name="n", priority=1)]

    def big(**spec: Any) -> dict[str, Any]:
        entry = pod("big", priority=9, **spec)
        entry["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2"
        return entry

    assert placed(problem_of(*room, big()), solver)["shop/big"] == "n"
    patient = problem_of(*room, big(preemptionPolicy="Never"))
    assert placed(patient, solver) == {"shop/runs": "n"}
    kind = {
        "kind": "PriorityClass",
        "metadata": {"name": "calm"},
        "value": 9,
        "preemptionPolicy": "Never",
    }
    by_class = problem_of(*room, kind, big(priorityClassName="calm"))
    assert placed(by_class, solver) == {"shop/runs": "n"}


def test_policies_of_spread_say_which_nodes_count() -> None:
    def constraint(**fields: Any) -> dict[str, Any]:
        return {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
            **fields,
        }

    nodes = []
    for name, zone in (("a", "za"), ("b", "zb")):
        entry = node(name, metadata={"name": name, "labels": {ZONE: zone}})
        nodes.append(entry)
    nodes[1]["spec"] = {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}

    def number(**fields: Any) -> int:
        web = [pod(f"p{k}", topologySpreadConstraints=[constraint(**fields)]) for k in range(3)]
        return len(placed(problem_of(*nodes, *web)))

    # The tainted zone counts, stays empty, and holds the others back.
    assert number() == 1
    assert number(nodeTaintsPolicy="Honor") == 3
    item = problem_of(nodes[0], pod("p", topologySpreadConstraints=[constraint()])).items[0]
    assert (item.spread[0].honor_affinity, item.spread[0].honor_taints) == (True, False)
    soft = constraint(whenUnsatisfiable="ScheduleAnyway", nodeAffinityPolicy="Ignore")
    item = problem_of(nodes[0], pod("p", topologySpreadConstraints=[soft])).items[0]
    assert (item.spread, item.soft_spread[0].honor_affinity) == ((), False)


def test_the_default_scheduler_scores_wishes_for_neighbours_and_even_numbers() -> None:
    nodes = []
    for name, zone in (("a", "za"), ("b", "zb"), ("c", "zc")):
        nodes.append(node(name, metadata={"name": name, "labels": {ZONE: zone}}))
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": ZONE}
    wish = [{"weight": 50, "podAffinityTerm": term}]
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    database = pod("db", node_name="b")
    database["metadata"]["labels"] = {"app": "db"}
    near = pod("near", affinity={"podAffinity": {preferred: wish}})
    assert placed(problem_of(*nodes, database, near), "default-scheduler")["shop/near"] == "b"
    away = pod("away", affinity={"podAntiAffinity": {preferred: wish}})
    crowd = [pod(f"x{k}", node_name=name) for k, name in enumerate("aacc")]
    found = placed(problem_of(*nodes, database, *crowd, away), "default-scheduler")
    assert found["shop/away"] in ("a", "c")
    # What stands there and wishes for the new pod counts as well.
    database["spec"]["affinity"] = {
        "podAffinity": {
            preferred: [{"weight": 50, "podAffinityTerm": {**term, "labelSelector": {}}}]
        }
    }
    assert placed(problem_of(*nodes, database, pod("new")), "default-scheduler")["shop/new"] == "b"
    even = {
        "maxSkew": 1,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    web = [pod(f"w{k}", topologySpreadConstraints=[even]) for k in range(3)]
    assert len(set(placed(problem_of(*nodes, *web), "default-scheduler").values())) == 3
