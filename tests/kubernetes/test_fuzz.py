"""Whatever a dump holds, reading it ends in a snapshot or in one clear error, never a traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.text import decode
from scheduling.kubernetes.snapshot import Snapshot, read_snapshot
from scheduling.solvers.placement.explaining.explain import left_out
from tests.kubernetes.objects import listed, node, pod
from tests.properties import examples

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


EXISTS = {"key": "kubernetes.io/hostname", "operator": "Exists"}
TERMS = {"nodeSelectorTerms": [{"matchExpressions": [EXISTS]}]}


def rich_pod() -> dict[str, Any]:
    """Return a pod with every field that is read."""
    term = {
        "labelSelector": {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}],
        },
        "topologyKey": "kubernetes.io/hostname",
        "namespaceSelector": {"matchLabels": {"team": "x"}},
        "matchLabelKeys": ["app"],
    }
    rich = pod(
        "rich",
        priorityClassName="high",
        tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        nodeSelector={"kubernetes.io/hostname": "n1"},
        affinity={
            "nodeAffinity": {
                REQUIRED: TERMS,
                PREFERRED: [{"weight": 5, "preference": TERMS["nodeSelectorTerms"][0]}],
            },
            "podAffinity": {REQUIRED: [term], PREFERRED: [{"weight": 3, "podAffinityTerm": term}]},
            "podAntiAffinity": {REQUIRED: [term]},
        },
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {},
                "minDomains": 2,
                "nodeTaintsPolicy": "Honor",
            }
        ],
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
        initContainers=[{"name": "i", "restartPolicy": "Always", "resources": {}}],
        overhead={"cpu": "10m"},
        resourceClaims=[{"name": "g", "resourceClaimName": "gpu"}],
        preemptionPolicy="Never",
    )
    rich["spec"]["containers"][0]["ports"] = [{"hostPort": 80, "protocol": "TCP"}]
    rich["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "r", "controller": True}]
    rich["metadata"]["annotations"] = {"scheduling.k8s.io/group-name": "g"}
    return rich


def dump() -> dict[str, Any]:
    """Return a dump with every field that is read."""
    cluster = {"metadata": {"name": "x"}}
    local = {"metadata": {"name": "data", "namespace": "shop"}}
    tainted = node("n1", spec={"taints": [{"key": "gpu", "effect": "NoSchedule"}]})
    tainted["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    objects = [
        tainted,
        node("n2"),
        rich_pod(),
        pod("runs", node_name="n2"),
        {"kind": "PriorityClass", "value": 10, "metadata": {"name": "high"}},
        {
            "kind": "PodDisruptionBudget",
            **local,
            "spec": {"selector": {}, "minAvailable": "50%"},
            "status": {"disruptionsAllowed": 1},
        },
        {"kind": "ResourceQuota", **local, "spec": {"hard": {"requests.cpu": "4", "pods": "9"}}},
        {"kind": "PersistentVolumeClaim", **local, "spec": {"volumeName": "pv"}},
        {
            "kind": "PersistentVolume",
            "metadata": {"name": "pv"},
            "spec": {"nodeAffinity": {"required": TERMS}},
        },
        {"kind": "StorageClass", **cluster, "allowedTopologies": [], "provisioner": "p"},
        {
            "kind": "CSINode",
            "metadata": {"name": "n1"},
            "spec": {"drivers": [{"name": "d", "allocatable": {"count": 3}}]},
        },
        {
            "kind": "ResourceClaim",
            "metadata": {"name": "gpu", "namespace": "shop"},
            "status": {"allocation": {"nodeSelector": TERMS}},
        },
        {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "x"}}},
    ]
    document: dict[str, Any] = json.loads(listed(*objects))
    return document


BASE = dump()
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**63,
        10**400,
        "",
        "x",
        "-1",
        "1e999",
        "9" * 300,
        "NaN",
        "é\u0000",
        [],
        {},
        [[]],
        [None],
        {"a": {}},
        ["x"],
        "List",
        "Pod",
        "Exists",
        "In",
        "n1",
    ]
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every value of a document."""
    found = [path]
    if isinstance(value, dict):
        found += [inner for key, entry in value.items() for inner in paths(entry, (*path, key))]
    elif isinstance(value, list):
        found += [inner for k, entry in enumerate(value) for inner in paths(entry, (*path, k))]
    return found


PATHS = [path for path in paths(BASE) if path]


def mutated(document: dict[str, Any], path: tuple[Any, ...], value: Any, *, drop: bool) -> None:
    holder: Any = document
    for step in path[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    fits = (isinstance(holder, dict) and isinstance(last, str)) or (
        isinstance(holder, list) and isinstance(last, int) and last < len(holder)
    )
    if not fits:
        return
    if drop and (isinstance(holder, list) or last in holder):
        del holder[last]
    else:
        holder[last] = copy.deepcopy(value)


def outcome(text: str) -> Snapshot | None:
    """Read a text; ``None``: it is refused with a message."""
    try:
        return read_snapshot(text, "dump.json")
    except InputError as error:
        refused = error
    assert str(refused).startswith("dump.json: ")
    assert all(fault.place and fault.found and fault.expected for fault in refused.faults)
    return None


def test_the_dump_itself_is_read_and_solved() -> None:
    snapshot = outcome(json.dumps(BASE))
    assert snapshot is not None
    assert len(snapshot.problem.items) == 2


@examples(200)
@given(st.lists(st.tuples(st.sampled_from(PATHS), ODD, st.booleans()), min_size=1, max_size=3))
def test_mutations_are_read_or_refused(
    changes: list[tuple[tuple[Any, ...], Any, bool]],
) -> None:
    document = copy.deepcopy(BASE)
    for path, value, drop in changes:
        mutated(document, path, value, drop=drop)
    snapshot = outcome(json.dumps(document))
    if snapshot is not None:
        solution = sch.solve(snapshot.problem, "default-scheduler", work_limit=1, workers=1)
        left_out(snapshot.problem, solution)


@examples(100)
@given(st.integers(0, 10**6), st.sampled_from(["", "{", "}", "]", '"', ",", "NaN", "\t", ":", "&"]))
@example(0, "")
def test_truncated_and_damaged_texts_are_refused_or_read(position: int, inserted: str) -> None:
    for text in (json.dumps(BASE), yaml.safe_dump(BASE)):
        where = position % len(text)
        outcome(text[:where] + inserted)
        outcome(text[:where] + inserted + text[where:])


@examples(50)
@given(st.binary(max_size=60), st.integers(0, 10**6))
def test_damaged_bytes_are_refused_or_read(noise: bytes, position: int) -> None:
    data = json.dumps(BASE).encode()
    where = position % len(data)
    try:
        text = decode(data[:where] + noise + data[where:], "dump.json")
    except InputError:
        return
    outcome(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[1, 2]",
        "hello",
        "2 2\n0 3 1 2\n1 4 0 1\n",
        "kind: schedule\njobs: []\n",
        '{"kind": "List"}',
        '{"kind": "List", "items": {}}',
        '{"kind": "List", "items": [1]}',
        '{"kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": 5}}',
        '{"kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": Infinity}}}',
        "{" * 100_000,
        "[" * 100_000,
        '{"kind": "List", "items": ' * 2000,
    ],
)
def test_other_formats_are_refused(text: str) -> None:
    assert outcome(text) is None


def test_circular_affinity_and_overcommitted_nodes_are_taken_in_and_worked_around() -> None:
    def near(app: str, other: str) -> dict[str, Any]:
        term = {
            "labelSelector": {"matchLabels": {"app": other}},
            "topologyKey": "kubernetes.io/hostname",
        }
        entry = pod(app, affinity={"podAffinity": {REQUIRED: [term]}})
        entry["metadata"]["labels"] = {"app": app}
        return entry

    crowd = [pod(f"c{k}", node_name="n1") for k in range(9)]
    text = listed(node("n1"), node("n2"), *crowd, near("x", "y"), near("y", "x"), pod("free"))
    snapshot = outcome(text)
    assert snapshot is not None
    solution = sch.solve(snapshot.problem, "cp-sat", work_limit=10, workers=1)
    where = {entry.item: entry.node for entry in solution.placements}
    assert where["shop/free"] == "n2"
    assert where.get("shop/x") == where.get("shop/y")
    assert len(where) >= 10


def test_limits_beyond_all_that_can_be_asked_for_are_kept_as_such() -> None:
    found = dump()
    quota = next(entry for entry in found["items"] if entry["kind"] == "ResourceQuota")
    budget = next(entry for entry in found["items"] if entry["kind"] == "PodDisruptionBudget")
    quota["spec"] = {"hard": {"requests.memory": "2Pi", "requests.cpu": str(2**63), "pods": "7"}}
    budget["status"] = {"disruptionsAllowed": 2**31}
    problem = read_snapshot(json.dumps(found)).problem
    assert problem.quotas[0].limits == {"memory": 2**51, "cpu": 2**61, "pods": 7}
    assert problem.budgets[0].allowed == len(problem.items)


@pytest.mark.parametrize("kind", ["ResourceQuota", "PodDisruptionBudget"])
def test_names_that_are_too_long_are_refused_with_their_place(kind: str) -> None:
    found = dump()
    entry = next(entry for entry in found["items"] if entry["kind"] == kind)
    entry["metadata"]["name"] = "x" * 3000
    with pytest.raises(InputError, match=kind):
        read_snapshot(json.dumps(found))
