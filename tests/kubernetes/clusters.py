"""Small Kubernetes objects for tests."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def node(name: str, *, cpu: str = "2", memory: str = "4Gi", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": spec,
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    }


def pod(
    name: str,
    *,
    on: str | None = None,
    cpu: str = "500m",
    priority: int = 0,
    owner: str | None = None,
    **spec: Any,
) -> Object:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    placed = {"nodeName": on} if on else {}
    owners = [{"kind": "ReplicaSet", "name": owner, "uid": f"uid-{owner}", "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "labels": {"app": owner or name},
            "ownerReferences": owners if owner else [],
        },
        "spec": {"containers": [container], "priority": priority, **placed, **spec},
        "status": {"phase": "Running" if on else "Pending"},
    }


def bound(entry: Object, to: str) -> Object:
    """Return a pod as it is after its binding."""
    return {**entry, "spec": {**entry["spec"], "nodeName": to}, "status": {"phase": "Running"}}
