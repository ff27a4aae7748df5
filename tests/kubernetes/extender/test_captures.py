"""Requests that real kube-schedulers sent, each answered as the scheduler can take it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from scheduling.kubernetes.extender.app import Limits, build_app
from scheduling.kubernetes.extender.service import Extender
from scheduling.kubernetes.state import ClusterState, Object
from tests.kubernetes.extender.conftest import Make, entry, plan
from tests.kubernetes.extender.replies import check_reply, offered

pytestmark = pytest.mark.shared


def captures(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, verb and request of every capture."""
    for path in sorted(folder.glob("v*/*/*.json")):
        if path.name != "index.json":
            found = json.loads(path.read_text())
            yield str(path.relative_to(folder)), found["verb"], found["request"]


def three_nodes(folder: Path) -> list[Object]:
    path = folder / "v1.35.4/nodes-full/plain.filter.json"
    nodes = json.loads(path.read_text())["request"]["Nodes"]["items"]
    assert len(nodes) == 3
    return [{"kind": "Node", **node} for node in nodes]


def victims(request: dict[str, Any]) -> Iterator[Object]:
    """Yield the pods that a request names as victims, bound to their nodes."""
    low = {"containers": [{"resources": {"requests": {"cpu": "2"}}}], "priority": 100}
    full, meta = request.get("NodeNameToVictims"), request.get("NodeNameToMetaVictims")
    for node, found in (full or meta or {}).items():
        for pod in found["Pods"] or ():
            if full:
                yield {"kind": "Pod", **pod}
            else:
                named = {"name": pod["UID"], "namespace": "default", "uid": pod["UID"]}
                yield {"kind": "Pod", "metadata": named, "spec": {**low, "nodeName": node}}


def state_of(request: dict[str, Any], nodes: list[Object]) -> tuple[ClusterState, Object]:
    """Return the cluster of a request, and the pod that it is about."""
    pod = request.get("Pod") or {
        "metadata": {
            "name": request["PodName"],
            "namespace": request["PodNamespace"],
            "uid": request["PodUID"],
        },
        "spec": {"containers": []},
    }
    pod = {"kind": "Pod", **pod}
    return ClusterState.from_snapshot([*nodes, pod, *victims(request)]), pod


def answer(extender: Extender, verb: str, request: dict[str, Any]) -> Any:
    with TestClient(build_app(extender, Limits())) as client:
        response = client.post(f"/{verb}", json=request)
    assert response.status_code == 200, response.text
    reply = response.json()
    check_reply(verb, request, reply)
    return reply


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "k8s-extender"


def test_every_capture_without_a_plan(folder: Path, extend: Make) -> None:
    nodes = three_nodes(folder)
    count = 0
    for name, verb, request in captures(folder):
        state, _ = state_of(request, nodes)
        reply = answer(extend(state), verb, request)
        if verb == "preempt":
            assert reply == {"NodeNameToMetaVictims": {}}, name
        elif verb == "bind":
            assert not reply["Error"], name
            assert state.n_pending == 0
        elif verb == "filter":
            kept = len(offered(request)) - len(reply["FailedAndUnresolvableNodes"])
            # One pod asks for 64 GPUs of nodes with two: here nobody else looks at them.
            assert kept == (0 if "over-asking" in name else len(offered(request))), name
        count += 1
    assert count >= 200


def test_every_capture_with_a_plan(folder: Path, extend: Make) -> None:
    nodes = three_nodes(folder)
    evicted = 0
    for name, verb, request in captures(folder):
        if verb == "bind" or "over-asking" in name:
            continue
        state, pod = state_of(request, nodes)
        names = request.get("NodeNameToVictims") or request.get("NodeNameToMetaVictims")
        node = min(names or offered(request))
        leaving = [victim for victim in victims(request) if victim["spec"]["nodeName"] == node]
        extender = extend(state)
        plan(extender, entry(pod, node, *leaving))
        reply = answer(extender, verb, request)
        if verb == "filter":
            assert set(offered(request)) - set(reply["FailedAndUnresolvableNodes"]) == {node}, name
        elif verb == "prioritize":
            assert [row["Host"] for row in reply if row["Score"]] == [node], name
        elif leaving:
            assert list(reply["NodeNameToMetaVictims"]) == [node], name
            evicted += 1
        else:
            assert reply == {"NodeNameToMetaVictims": {}}, name
    assert evicted >= 10


def test_every_capture_before_the_cluster_is_read(folder: Path, extend: Make) -> None:
    for _, verb, request in captures(folder):
        reply = answer(extend(ClusterState()), verb, request)
        if verb in ("filter", "bind"):
            assert reply["Error"] == "the state of the cluster is not read yet"
