"""Reading a kubectl dump of a large cluster: seconds and memory, from a file or a pipe."""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.instances.files import read_text
from scheduling.kubernetes.snapshot import read_snapshot

ZONES = ("a", "b", "c")
APPS = 400
"""Deployments; their pods are equal but for their names and places."""
_NODE_ROOM = {"cpu": "31850m", "memory": "125829120Ki", "pods": "110", "ephemeral-storage": "95Gi"}
_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
_IMAGES = 8
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_MEGABYTE = 10**6


def node(number: int, rng: random.Random) -> dict[str, Any]:
    """Return a node with what kubectl prints of it: labels, addresses, images, conditions."""
    name, zone = f"node-{number:05d}", ZONES[number % len(ZONES)]
    gpu = number % 10 == 0
    room = {**_NODE_ROOM, **({"nvidia.com/gpu": "8"} if gpu else {})}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "gpu-8" if gpu else "general-32",
        "topology.kubernetes.io/region": "r1",
        "topology.kubernetes.io/zone": f"r1-{zone}",
    }
    conditions = [
        {
            "type": kind,
            "status": "True" if kind == "Ready" else "False",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "reason": f"Kubelet{kind}",
            "message": f"kubelet says so about {kind}",
        }
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    ]
    images = [
        {
            "names": [f"registry.example/team/app-{k}@sha256:{rng.getrandbits(256):064x}"],
            "sizeBytes": rng.randrange(10**7, 10**9),
        }
        for k in range(_IMAGES)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": _uid(rng), "labels": labels, "annotations": {}},
        "spec": {"providerID": f"cloud:///{zone}/{name}", "taints": [_TAINT] if gpu else []},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": f"10.0.{number // 256}.{number % 256}"}
            ],
            "allocatable": room,
            "capacity": room,
            "conditions": conditions,
            "images": images,
        },
    }


def pod(number: int, nodes: int, pods: int, rng: random.Random) -> dict[str, Any]:
    """Return one of many equal pods, one in a hundred of them pending."""
    app = number % min(APPS, max(1, pods // 4))
    pending = number % 100 == 99
    labels = {
        "app": f"app-{app}",
        "pod-template-hash": f"{app * 7919:010x}",
        "team": f"t{app % 20}",
    }
    gpu = app % 40 == 0
    resources: dict[str, Any] = {
        "requests": {"cpu": f"{100 + 50 * (app % 9)}m", "memory": f"{128 * (1 + app % 7)}Mi"},
        "limits": {"memory": f"{256 * (1 + app % 7)}Mi"},
    }
    if gpu:
        resources["limits"]["nvidia.com/gpu"] = resources["requests"]["nvidia.com/gpu"] = "1"
    spec: dict[str, Any] = {
        "containers": [_container(app, resources)],
        "priority": 1000 * (app % 4),
        "priorityClassName": f"class-{app % 4}",
        "schedulerName": "default-scheduler",
        "serviceAccountName": f"app-{app}",
        "tolerations": _tolerations(gpu=gpu),
        "volumes": [{"name": "config", "configMap": {"defaultMode": 420, "name": f"app-{app}"}}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 5,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": f"app-{app}"}},
            }
        ],
    }
    if app % 8 == 0:
        term = {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
        spec["affinity"] = {"nodeAffinity": {_REQUIRED: terms}}
    name = f"app-{app}-{app * 7919:010x}-{number:05d}"
    status: dict[str, Any] = {"phase": "Pending" if pending else "Running", "qosClass": "Burstable"}
    if not pending:
        spec["nodeName"] = f"node-{_home(number, nodes, gpu=gpu):05d}"
        status |= {
            "hostIP": "10.0.0.1",
            "podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            "conditions": [_condition("Ready")],
            "containerStatuses": [_running(app, rng)],
        }
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"app-{app}-{app * 7919:010x}",
        "uid": _uid(rng),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "generateName": f"app-{app}-{app * 7919:010x}-",
        "namespace": f"team-{app % 20}",
        "uid": _uid(rng),
        "resourceVersion": str(number),
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": labels,
        "ownerReferences": [owner],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _home(number: int, nodes: int, *, gpu: bool) -> int:
    return number % nodes // 10 * 10 if gpu else number % nodes


def _uid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _container(app: int, resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "main",
        "image": f"registry.example/team-{app % 20}/app-{app}:1.{app}.0",
        "args": ["--port=8080", f"--config=/etc/app-{app}/config.yaml"],
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "resources": resources,
    }


def _tolerations(*, gpu: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "effect": "NoExecute",
            "key": f"node.kubernetes.io/{word}",
            "operator": "Exists",
            "tolerationSeconds": 300,
        }
        for word in ("not-ready", "unreachable")
    ]
    return [*found, {"key": _TAINT["key"], "operator": "Exists"}] if gpu else found


def _condition(kind: str) -> dict[str, Any]:
    return {
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "status": "True",
        "type": kind,
    }


def _running(app: int, rng: random.Random) -> dict[str, Any]:
    return {
        "name": "main",
        "containerID": f"containerd://{rng.getrandbits(256):064x}",
        "image": f"registry.example/team-{app % 20}/app-{app}:1.{app}.0",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }


def dump(nodes: int, pods: int, seed: int = 0) -> Iterator[str]:
    """Yield the text of ``kubectl get nodes,pods -A -o json``, object by object."""
    rng = random.Random(seed)
    yield '{\n    "apiVersion": "v1",\n    "items": [\n'
    objects = [lambda k=k: node(k, rng) for k in range(nodes)]
    objects += [lambda k=k: pod(k, nodes, pods, rng) for k in range(pods)]
    for number, make in enumerate(objects):
        text = json.dumps(make(), indent=4).replace("\n", "\n        ")
        yield f"        {text}{',' if number < len(objects) - 1 else ''}\n"
    yield '    ],\n    "kind": "List",\n    "metadata": {"resourceVersion": ""}\n}\n'


def measure(path: str) -> dict[str, float]:
    """Read a dump in this process, and say what it took."""
    wall, busy = time.perf_counter(), time.process_time()
    text, source = read_text(path)
    size = len(text)
    snapshot = read_snapshot(text, source)
    return {
        "nodes": len(snapshot.problem.nodes),
        "pods": len(snapshot.problem.items),
        "megabytes": size / _MEGABYTE,
        "seconds": time.perf_counter() - wall,
        "processor seconds": time.process_time() - busy,
        "peak megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MEGABYTE,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", default="5000x50000", help="nodes x pods")
    parser.add_argument("--keep", type=Path, help="write the dump here and keep it")
    parser.add_argument("--read", metavar="FILE", help="only read this dump; - is a pipe")
    add_output(parser)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(measure(options.read)))
        return
    nodes, pods = map(int, options.size.split("x"))
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "dump.json"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(dump(nodes, pods))
        for name, argument in (("file", str(path)), ("pipe", "-")):
            # A process of its own for each, so that the peak is that of reading alone.
            command = [sys.executable, __file__, "--read", argument]
            with path.open("rb") as stream:
                done = subprocess.run(command, stdin=stream, capture_output=True, check=True)
            found[name] = json.loads(done.stdout)
    keys = list(next(iter(found.values())))
    rows = [[name, *(f"{facts[key]:,.4g}" for key in keys)] for name, facts in found.items()]
    table(["from", *keys], rows, f"a dump of {nodes} nodes and {pods} pods")
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
