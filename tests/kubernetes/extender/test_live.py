"""The extender beside a live cluster: an API server, controllers, and a pretend scheduler."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduling.kubernetes.client.resources import RIGHTS
from tests.kubernetes.api_cluster import Cluster, Fault, Object
from tests.kubernetes.api_server import serving
from tests.kubernetes.extender.served import PATIENCE, Served, running
from tests.kubernetes.world import budget, node, pod, successor


class Scheduler:
    """As kube-scheduler is, in small: fit, then filter, then bind by the extender.

    A pod that found no node is tried again only when it has changed.
    """

    def __init__(self, cluster: Cluster, served: Served) -> None:
        self._cluster, self._served = cluster, served
        self._tried: dict[str, str] = {}

    def turn(self) -> bool:
        """Try every pending pod that is new or has changed; tell whether one is left."""
        pending = [p for p in self._cluster.all("Pod") if not p["spec"].get("nodeName")]
        pending.sort(key=lambda p: -p["spec"]["priority"])
        for found in pending:
            version = found["metadata"]["resourceVersion"]
            if self._tried.get(found["metadata"]["name"]) != version:
                self._tried[found["metadata"]["name"]] = version
                self._try(found)
        return bool(pending)

    def _try(self, found: Object) -> None:
        names = [name for name, left in self._free().items() if left >= _cores(found)]
        if not names:
            return
        request = {"Pod": found, "Nodes": None, "NodeNames": names}
        passed = self._served.ask("filter", request)["NodeNames"]
        if passed:
            meta = found["metadata"]
            binding = {"PodName": meta["name"], "PodNamespace": meta["namespace"]}
            binding |= {"PodUID": meta["uid"], "Node": passed[0]}
            assert self._served.ask("bind", binding) == {"Error": ""}

    def _free(self) -> Counter[str]:
        free = Counter(
            {
                entry["metadata"]["name"]: int(entry["status"]["allocatable"]["cpu"])
                for entry in self._cluster.all("Node")
            }
        )
        for found in self._cluster.all("Pod"):
            if found["spec"].get("nodeName"):
                free[found["spec"]["nodeName"]] -= _cores(found)
        return free


def _cores(found: Object) -> int:
    return int(found["spec"]["containers"][0]["resources"]["requests"]["cpu"])


def fragmented() -> Cluster:
    """Four nodes of two cores with a pod of one on each, two big ones pending, and a budget."""
    cluster = Cluster()
    for number in range(4):
        cluster.put(node(f"n{number}"))
        cluster.put(pod(f"a-{number}", on=f"n{number}", owner="a"))
    for number in range(2):
        cluster.put(pod(f"big-{number}", "2", priority=9))
    cluster.put(budget("a", 3))
    born = iter(range(100))
    cluster.on_evicted = lambda gone: cluster.put(successor(gone, next(born)))
    return cluster


def kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "config"
    data: dict[str, Any] = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
    }
    path.write_text(yaml.safe_dump(data))
    return path


def test_pending_pods_come_to_stand_through_moves_and_faults(tmp_path: Path) -> None:
    cluster = fragmented()
    arguments = ("--move", "--move-pace", "6000", "--move-budget", "2")
    with serving(cluster, token="secret", page=3) as api:
        config = kubeconfig(tmp_path, api.url)
        with running("--kubeconfig", str(config), *arguments) as served:
            served.wait_ready()
            cluster.faults += [Fault(409, "POST", "eviction"), Fault("drop", "POST", "eviction")]
            cluster.faults += [Fault(500, "PATCH"), Fault("drop", "GET", "watch"), Fault(410)]
            cluster.cut_watches()
            scheduler = Scheduler(cluster, served)
            end = time.monotonic() + PATIENCE
            least = 4
            while scheduler.turn():
                assert time.monotonic() < end, served.lines[-20:]
                running_now = [p for p in cluster.all("Pod") if _is_up(p)]
                least = min(least, len(running_now))
                time.sleep(0.02)
            metrics = served.call("/metrics")[1].decode()
            assert served.stop() == 0
    hosts = Counter(found["spec"]["nodeName"] for found in cluster.all("Pod"))
    assert sorted(hosts.values()) == [1, 1, 2, 2]
    assert least >= 3
    evicted = [line for line in served.lines if line.get("outcome") == "evicted"]
    assert len(evicted) == 2
    assert "scheduling_extender_evictions_evicted_total 2\n" in metrics
    planned = {line["destination"] for line in evicted}
    fresh = {p["spec"]["nodeName"] for p in cluster.all("Pod") if "-new" in p["metadata"]["name"]}
    assert fresh == planned
    granted = {(right.verb, right.group, right.resource) for right in RIGHTS}
    assert cluster.used <= granted
    assert {("create", "", "pods/eviction"), ("patch", "", "pods")} <= cluster.used


def _is_up(found: Object) -> bool:
    return found["metadata"]["labels"]["app"] == "a" and bool(found["spec"].get("nodeName"))


@pytest.mark.parametrize("arguments", [("--move-dry-run",), ("--move", "--move-dry-run"), ()])
def test_without_the_mover_nothing_is_evicted(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    cluster = fragmented()
    before = copy.deepcopy(cluster.objects["nodes"])
    with serving(cluster, token="secret") as api:
        config = kubeconfig(tmp_path, api.url)
        with running("--kubeconfig", str(config), *arguments) as served:
            served.wait_ready()
            end = time.monotonic() + PATIENCE
            told = "planned" if arguments else "nudged"
            while not any(line.get("outcome") == told for line in served.lines):
                assert time.monotonic() < end, served.lines
                time.sleep(0.02)
            assert served.stop() == 0
    assert {method for method, _, _ in cluster.requests} <= {"PATCH"}
    assert cluster.objects["nodes"] == before
    assert not any(line.get("outcome") == "evicted" for line in served.lines)


def test_a_gang_needs_as_many_pods_as_its_group_in_the_cluster_says(tmp_path: Path) -> None:
    """Without the object of the group all of its pods would be needed, and none could stand."""
    cluster = Cluster()
    cluster.put(node("n"))
    for number in range(2):
        member = pod(f"m-{number}", "2")
        member["metadata"]["labels"]["scheduling.x-k8s.io/pod-group"] = "g"
        cluster.put(member)
    meta = {"name": "g", "namespace": member["metadata"]["namespace"]}
    group = {"kind": "PodGroup", "metadata": meta, "spec": {"minMember": 1}}
    cluster.put(group)
    with serving(cluster, token="secret") as api:
        config = kubeconfig(tmp_path, api.url)
        with running("--kubeconfig", str(config)) as served:
            served.wait_ready()
            report = json.loads(served.call("/plan")[1])
            assert served.stop() == 0
    assert len(report["plan"]["unplaced"]) == 1


def test_an_extender_that_cannot_read_the_cluster_says_what_is_missing(tmp_path: Path) -> None:
    cluster = fragmented()
    cluster.faults.extend([Fault(403, "GET")] * 10_000)
    with serving(cluster, token="secret") as api:
        config = kubeconfig(tmp_path, api.url)
        with running("--kubeconfig", str(config)) as served:
            assert served.call("/healthz") == (200, b"ok\n")
            end = time.monotonic() + PATIENCE
            while b"nodes: 403: as the test wants it" not in served.call("/readyz")[1]:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert served.call("/readyz")[0] == 503
            request = {"Pod": pod("big-0"), "Nodes": None, "NodeNames": ["n0"]}
            assert "not read yet" in served.ask("filter", request)["Error"]
            cluster.calm()
            served.wait_ready()
            assert served.stop() == 0


def test_faults_of_a_kubeconfig_end_with_exit_code_2(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path, "cluster.local")
    for arguments, found in (
        (["--kubeconfig", str(config)], "server: found 'cluster.local'"),
        (["--kubeconfig", str(config), "--context", "x"], "no context 'x'"),
        (["--kubeconfig", str(tmp_path / "gone")], "gone"),
        (["--snapshot", str(config), "--move"], "--move: found a snapshot"),
    ):
        done = _ended(*arguments)
        assert done[0] == 2
        assert found in done[1]
        assert "Traceback" not in done[1]


def _ended(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "scheduling", "extender", "--port", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stderr


def test_no_line_of_the_journal_shows_a_token(tmp_path: Path) -> None:
    cluster = fragmented()
    with serving(cluster, token="other") as api:
        config = kubeconfig(tmp_path, api.url)
        with running("--kubeconfig", str(config)) as served:
            end = time.monotonic() + PATIENCE
            while not any("401" in json.dumps(line) for line in served.lines):
                assert time.monotonic() < end
                time.sleep(0.02)
            assert served.stop() == 0
    assert "secret" not in json.dumps(served.lines)
