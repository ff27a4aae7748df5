"""Reads what the emitters write, as the runtimes would: pods, their GPUs and their arguments."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Fleet:
    """Equal replicas as a runtime would start them."""

    replicas: int
    nodes: int
    gpus: int
    words: tuple[str, ...]
    selector: str
    role: str

    @property
    def total(self) -> int:
        return self.replicas * self.nodes * self.gpus

    def value(self, *flags: str) -> str | None:
        for flag, value in zip(self.words, (*self.words[1:], ""), strict=True):
            if flag in flags:
                return value
        return None

    def number(self, *flags: str) -> int:
        return int(self.value(*flags) or 1)


def read(runtime: str, paths: list[Path]) -> list[Fleet]:
    files = [path for path in paths if path.name != "plan.json"]
    if runtime in {"vllm", "sglang"}:
        return [_script(path.read_text()) for path in files]
    blocks = [block for path in files for block in yaml.load_all(path.read_text(), LOADER)]
    readers = {"dynamo": _dynamo, "lws": _leaders, "llm-d": _llmd, "kserve": _kserve}
    return [fleet for block in blocks for fleet in readers[runtime](block)]


def _script(text: str) -> Fleet:
    def head(label: str) -> str:
        found = re.search(rf"^# {label}: (.*)$", text, re.MULTILINE)
        assert found is not None
        return found[1]

    command = text[text.index("\nexec ") + 6 :].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[-1] == "$@"
    nodes = int(head("nodes per replica"))
    assert ("NODE_RANK:?" in text) == (nodes > 1)
    return Fleet(
        int(head("replicas")),
        nodes,
        int(head("GPUs per node")),
        tuple(words),
        head("gpu"),
        head("role"),
    )


def _gpus(container: dict[str, Any]) -> int:
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    assert limits == requests
    assert list(limits) in (["nvidia.com/gpu"], ["amd.com/gpu"])
    return int(next(iter(limits.values())))


def _only(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["containers"]
    assert container["image"]
    return dict(container)


def _selected(pod: dict[str, Any]) -> str:
    (value,) = pod["nodeSelector"].values()
    return str(value)


def _dynamo(block: dict[str, Any]) -> list[Fleet]:
    assert block["apiVersion"] == "nvidia.com/v1beta1"
    assert block["kind"] == "DynamoGraphDeployment"
    assert DNS_LABEL.fullmatch(block["metadata"]["name"])
    components = block["spec"]["components"]
    names = [component["name"] for component in components]
    assert len(set(names)) == len(names) <= 25
    assert all(DNS_LABEL.fullmatch(name) for name in names)
    fleets = []
    for component in components:
        pod = component["podTemplate"]["spec"]
        container = _only(pod)
        assert container["name"] == "main"
        if component["type"] == "frontend":
            assert "resources" not in container
            assert "nodeSelector" not in pod
            continue
        nodes = component.get("multinode", {}).get("nodeCount", 1)
        words = tuple(container["args"])
        role = {"worker": "both"}.get(component["type"], component["type"])
        assert role == "both" or words[words.index("--disaggregation-mode") + 1] == role
        fleets.append(
            Fleet(component["replicas"], nodes, _gpus(container), words, _selected(pod), role)
        )
    return fleets


def _leaders(block: dict[str, Any]) -> list[Fleet]:
    name = block["metadata"]["name"]
    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= 52
    if block["kind"] == "Service":
        assert block["spec"]["selector"]["leaderworkerset.sigs.k8s.io/name"] == name
        return []
    assert block["apiVersion"] == "leaderworkerset.x-k8s.io/v1"
    template = block["spec"]["leaderWorkerTemplate"]
    leader, worker = (template[key]["spec"] for key in ("leaderTemplate", "workerTemplate"))
    first, other = _only(leader), _only(worker)
    assert _gpus(first) == _gpus(other)
    assert _selected(leader) == _selected(worker)
    tail = ["--headless"] if template["size"] > 1 else []
    assert other["command"] == [*first["command"], *tail]
    role = block["metadata"]["labels"]["app.kubernetes.io/component"]
    words = tuple(first["command"])
    replicas = block["spec"]["replicas"]
    return [Fleet(replicas, template["size"], _gpus(first), words, _selected(leader), role)]


def _llmd(block: dict[str, Any]) -> list[Fleet]:
    assert DNS_LABEL.fullmatch(block["fullnameOverride"])
    assert len(block["fullnameOverride"]) <= 45
    split = block["routing"]["proxy"]["enabled"]
    fleets = []
    for key in ("prefill", "decode"):
        role = block[key]
        if not role["create"]:
            assert role["replicas"] == 0
            continue
        parallelism = role["parallelism"]
        # The chart's group has as many pods as workers; without groups a replica is one pod.
        nodes = parallelism["workers"] if block["multinode"] else 1
        assert block["multinode"] == (parallelism["workers"] > 1)
        container = _only(role)
        assert container["modelCommand"] == "custom"
        words = (*container["command"], *container["args"])
        assert words[words.index("--port") + 1] == str(container["ports"][0]["containerPort"])
        (product,) = role["acceleratorTypes"]["labelValues"]
        served = key if split else "both"
        fleets.append(Fleet(role["replicas"], nodes, _gpus(container), words, product, served))
    return fleets


def _kserve(block: dict[str, Any]) -> list[Fleet]:
    assert block["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert block["kind"] == "LLMInferenceService"
    assert DNS_LABEL.fullmatch(block["metadata"]["name"])
    spec = block["spec"]
    if "prefill" not in spec:
        return [_workload(spec, "both")]
    return [_workload(spec, "decode"), _workload(spec["prefill"], "prefill")]


def _workload(spec: dict[str, Any], role: str) -> Fleet:
    container = _only(spec["template"])
    words = tuple(shlex.split(container["env"][0]["value"]))
    degrees = spec["parallelism"]
    nodes = 1
    if "worker" in spec:
        assert spec["worker"] == spec["template"]
        copies = degrees.get("data", 1) // degrees.get("dataLocal", 1)
        nodes = max(degrees.get("pipeline", 1), copies)
    fleet = Fleet(
        spec["replicas"], nodes, _gpus(container), words, _selected(spec["template"]), role
    )
    assert degrees["tensor"] == fleet.number("--tensor-parallel-size")
    assert degrees.get("pipeline", 1) == fleet.number("--pipeline-parallel-size")
    assert degrees.get("data", 1) == fleet.number("--data-parallel-size")
    assert degrees.get("expert", False) == ("--enable-expert-parallel" in words)
    return fleet
