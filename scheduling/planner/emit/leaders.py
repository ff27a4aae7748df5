"""LeaderWorkerSets: groups of pods, one group a replica, one pod a node."""

from __future__ import annotations

from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import pods, vllm
from scheduling.planner.emit.accelerators import node_selector, resources
from scheduling.planner.emit.pods import Block
from scheduling.planner.emit.shape import Part, kubernetes_name, kubernetes_names

FILE = "leaderworkersets.yaml"
PORT = 8000
_PREFIX = "leaderworkerset.sigs.k8s.io"
_RANK, _LEADER = "$(LWS_WORKER_INDEX)", "$(LWS_LEADER_ADDRESS)"


def files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write a LeaderWorkerSet of vLLM and a service for each component."""
    names = kubernetes_names(part.name for part in parts)
    owner = kubernetes_name(plan.name, 63)
    blocks: list[Block] = []
    for part in parts:
        blocks += [_group(part, names[part.name], owner), _service(names[part.name])]
    return {FILE: pods.documents(*blocks)}


def _group(part: Part, name: str, owner: str) -> Block:
    template: Block = {
        "size": part.nodes,
        "restartPolicy": "RecreateGroupOnPodRestart",
        "leaderTemplate": _pod(part, name, leads=True),
        "workerTemplate": _pod(part, name, leads=part.nodes == 1),
    }
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": name, "labels": _labels(part, name, owner)},
        "spec": {
            "replicas": part.component.replicas,
            "startupPolicy": "LeaderCreated",
            "leaderWorkerTemplate": template,
        },
    }


def _labels(part: Part, name: str, owner: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": owner,
        "app.kubernetes.io/component": part.component.role,
    }


def _pod(part: Part, name: str, *, leads: bool) -> Block:
    volume, mount = pods.shared_memory()
    command = [
        "vllm",
        "serve",
        part.weights,
        *vllm.server_words(part, PORT),
        *vllm.layout_words(part),
        *vllm.engine_words(part),
        *vllm.node_words(part, _RANK, _LEADER),
    ]
    container: Block = {
        "name": "vllm",
        "image": pods.vllm_image(part),
        "command": command if leads else [*command, *vllm.headless_words()],
        "envFrom": pods.token(),
        "env": [pods.pod_address("VLLM_NIXL_SIDE_CHANNEL_HOST")],
        "resources": resources(part),
        "volumeMounts": [mount],
    }
    if leads:
        container["ports"] = [{"containerPort": PORT, "name": "http"}]
        container["readinessProbe"] = {"httpGet": {"path": "/health", "port": PORT}}
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "nodeSelector": node_selector(part),
            "containers": [container],
            "volumes": [volume],
        },
    }


def _service(name: str) -> Block:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {f"{_PREFIX}/name": name, f"{_PREFIX}/worker-index": "0"},
            "ports": [{"name": "http", "port": PORT, "targetPort": PORT}],
        },
    }
