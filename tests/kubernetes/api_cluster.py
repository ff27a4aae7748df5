"""The objects of an API server for tests, their history, and what is to go wrong."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]

KINDS = {
    "nodes": "Node",
    "pods": "Pod",
    "namespaces": "Namespace",
    "priorityclasses": "PriorityClass",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "persistentvolumes": "PersistentVolume",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "storageclasses": "StorageClass",
    "csinodes": "CSINode",
    "replicasets": "ReplicaSet",
    "resourcequotas": "ResourceQuota",
    "podgroups": "PodGroup",
}
PLURALS = {kind: plural for plural, kind in KINDS.items()}


@dataclass
class Fault:
    """Something that goes wrong with the next request that fits.

    Attributes
    ----------
    what
        ``drop`` (no answer), ``garbage``, ``pause`` (until released), or an HTTP status.
    method, part
        Fits requests with this method and this text in the path; empty: every one.
    """

    what: str | int
    method: str = ""
    part: str = ""


@dataclass
class Cluster:
    """The objects of an API server, their history, and what is to go wrong.

    Attributes
    ----------
    requests
        ``(method, path, body)`` of every call that changes something.
    used
        ``(verb, group, resource)`` of every call, as a role grants them.
    on_evicted
        Called with each pod that was evicted, as its controller would be.
    faults
        What goes wrong next, in this order.
    """

    objects: dict[str, dict[Key, Object]] = field(default_factory=lambda: {p: {} for p in KINDS})
    version: int = 1
    kept_from: int = 0
    history: list[tuple[int, str, str, Object]] = field(default_factory=list)
    requests: list[tuple[str, str, Object]] = field(default_factory=list)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    faults: deque[Fault] = field(default_factory=deque)
    on_evicted: Callable[[Object], object] | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)
    released: threading.Event = field(default_factory=threading.Event)
    epoch: int = 0
    bookmark: int = 0
    noise: list[bytes] = field(default_factory=list)
    closing: bool = False

    def put(self, obj: Object) -> Object:
        """Add or change an object, as a client of the server would."""
        with self.changed:
            plural, meta = PLURALS[obj["kind"]], obj["metadata"]
            key = (meta.get("namespace", ""), meta["name"])
            self.version += 1
            obj = copy.deepcopy(obj)
            obj["metadata"]["resourceVersion"] = str(self.version)
            obj["metadata"].setdefault("uid", f"uid-{self.version}")
            kind = "MODIFIED" if key in self.objects[plural] else "ADDED"
            self.objects[plural][key] = obj
            self.history.append((self.version, plural, kind, obj))
            self.changed.notify_all()
            return obj

    def remove(self, kind: str, namespace: str, name: str) -> Object | None:
        """Delete an object."""
        with self.changed:
            found = self.objects[PLURALS[kind]].pop((namespace, name), None)
            if found is not None:
                self.version += 1
                last = copy.deepcopy(found)
                last["metadata"]["resourceVersion"] = str(self.version)
                self.history.append((self.version, PLURALS[kind], "DELETED", last))
                self.changed.notify_all()
            return found

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object as it is now."""
        with self.changed:
            return copy.deepcopy(self.objects[PLURALS[kind]].get((namespace, name)))

    def all(self, kind: str) -> list[Object]:
        """Return the objects of a kind."""
        with self.changed:
            return copy.deepcopy(list(self.objects[PLURALS[kind]].values()))

    def forget_history(self) -> None:
        """Keep no version before the newest: older watches and pages are gone."""
        with self.changed:
            self.kept_from = self.version
            self.history.clear()

    def cut_watches(self) -> None:
        """Break every open watch."""
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    def bookmark_watches(self) -> None:
        """Tell every open watch the newest version."""
        with self.changed:
            self.bookmark += 1
            self.changed.notify_all()

    def babble(self, line: bytes) -> None:
        """Send a line to every open watch."""
        with self.changed:
            self.noise.append(line)
            self.changed.notify_all()

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        with self.changed:
            self.faults.clear()
        self.released.set()

    def fault(self, method: str, path: str) -> Fault | None:
        """Take the next thing that goes wrong with a request."""
        with self.changed:
            first = self.faults[0] if self.faults else None
            if first is None or first.method not in ("", method) or first.part not in path:
                return None
            return self.faults.popleft()

    def allowed(self, budget: Object) -> int:
        """Disruptions that a budget allows now."""
        space = budget["metadata"]["namespace"]
        wanted = budget["spec"]["selector"]["matchLabels"]
        ready = sum(
            pod["metadata"]["namespace"] == space
            and wanted.items() <= pod["metadata"].get("labels", {}).items()
            and pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
            for pod in self.objects["pods"].values()
        )
        return int(max(0, ready - budget["spec"]["minAvailable"]))

    def evict(self, namespace: str, name: str, uid: str | None) -> tuple[int, str]:
        """Evict a pod as the eviction subresource does; return status and message."""
        with self.changed:
            pod = self.objects["pods"].get((namespace, name))
            if pod is None:
                return 404, f'pods "{name}" not found'
            if uid not in (None, pod["metadata"]["uid"]):
                return 409, f"Precondition failed: UID in precondition: {uid}"
            budget = self.refuses(pod)
            if budget is not None:
                return 429, f"Cannot evict pod: the disruption budget {budget} needs it"
            self.remove("Pod", namespace, name)
            if self.on_evicted is not None:
                self.on_evicted(copy.deepcopy(pod))
            return 201, ""

    def bind(self, namespace: str, name: str, node: str) -> tuple[int, str]:
        """Bind a pod as the binding subresource does; return status and message."""
        with self.changed:
            pod = self.get("Pod", namespace, name)
            if pod is None:
                return 404, f'pods "{name}" not found'
            if pod["spec"].get("nodeName"):
                return 409, f"pod {name} is already assigned to a node"
            pod["spec"]["nodeName"] = node
            pod["status"] = {"phase": "Running"}
            self.put(pod)
            return 201, ""

    def refuses(self, pod: Object) -> str | None:
        """Name the disruption budget that refuses the eviction of a pod."""
        labels, space = pod["metadata"].get("labels", {}), pod["metadata"]["namespace"]
        for (where, name), budget in self.objects["poddisruptionbudgets"].items():
            wanted = budget["spec"]["selector"]["matchLabels"]
            if where == space and wanted.items() <= labels.items() and not self.allowed(budget):
                return name
        return None
