"""What is known of a cluster now: raw objects by kind and name, indexed, safe between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from scheduling.kubernetes.client.resources import WATCHED
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.shapes import resizes

Object = dict[str, Any]
"""A Kubernetes object as the API gives it."""

Key = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

Listener = Callable[[str, Key, Object | None, Object | None], None]
"""Called with kind, key, and the object before and after a change; ``None``: not there."""

KINDS = tuple(resource.kind for resource in WATCHED)
"""Kinds that are looked at in a live cluster."""

_OF_THE_CLUSTER = frozenset(
    {"Node", "PriorityClass", "PersistentVolume", "Namespace", "StorageClass", "CSINode"}
)
_MIRROR = "kubernetes.io/config.mirror"
_DONE = ("Succeeded", "Failed")
_CONTAINER_STATUSES = ("containerStatuses", "initContainerStatuses")
_CONTAINER = ("name", "resources", "allocatedResources")
_COMMON = ("apiVersion", "kind", "metadata", "status")
_OTHER_STATUS = ("phase", "disruptionsAllowed", "currentHealthy", "desiredHealthy", "allocation")
_BATCH = 256
"""Objects of a list that are taken in at once, so that readers never wait long."""


def key_of(kind: str, obj: Object) -> Key:
    """Return namespace and name of an object.

    Raises
    ------
    InputError
        When it has no name.
    """
    meta = Fields(obj, kind).inner("metadata")
    space = "" if kind in _OF_THE_CLUSTER else meta.text("namespace", "") or "default"
    return space, meta.text("name")


def uid_of(pod: Object) -> str:
    """Return a pod's UID; ``namespace/name`` where it has none, as in files written by hand."""
    uid = pod.get("metadata", {}).get("uid")
    return str(uid) if uid else item_of(pod)


def item_of(pod: Object) -> str:
    """Return a pod's name as placement problems know it, ``namespace/name``."""
    return "/".join(key_of("Pod", pod))


def node_of(pod: Object) -> str | None:
    """Return the node that a pod is bound to; ``None`` when it is pending."""
    return (pod.get("spec") or {}).get("nodeName") or None


def is_done(pod: Object) -> bool:
    """Tell whether a pod has ended and takes no room any more."""
    return (pod.get("status") or {}).get("phase") in _DONE


def is_leaving(pod: Object) -> bool:
    """Tell whether a pod is being deleted."""
    return (pod.get("metadata") or {}).get("deletionTimestamp") is not None


class ClusterState:
    """Objects of one cluster.

    One thread for each kind writes, any thread reads. Objects are never changed in place: what a
    reader was given stays as it was.

    Attributes
    ----------
    version
        Rises with each change that matters to placement. Heartbeats of nodes and conditions of pods
        do not.
    lock
        Held while an object is exchanged; hold it to read several things of one moment.
    """

    def __init__(self) -> None:
        self.version = 0
        self.lock = threading.RLock()
        self._objects: dict[str, dict[Key, Object]] = {}
        self._synced: set[str] = set()
        self._by_uid: dict[str, Key] = {}
        self._by_node: dict[str, set[Key]] = {}
        self._pending: set[Key] = set()
        self._listeners: list[Listener] = []

    @classmethod
    def from_snapshot(cls, objects: Iterable[Object]) -> ClusterState:
        """Build the state of a snapshot; every kind counts as synced.

        Parameters
        ----------
        objects
            Objects with their ``kind``.

        Raises
        ------
        InputError
            When one has no kind or no name.
        """
        state = cls()
        for index, obj in enumerate(objects):
            state.apply(Fields(obj, f"items[{index}]").text("kind"), obj)
        state._synced.update(KINDS)
        return state

    def apply(self, kind: str, obj: Object) -> bool:
        """Take in a new or changed object.

        Returns
        -------
        bool
            Whether it matters to placement.
        """
        key = key_of(kind, obj)
        stored = _slim(kind, obj)
        with self.lock:
            return self._exchange(kind, key, stored)

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Take out an object; one that is not there is no fault."""
        key = ("", name) if kind in _OF_THE_CLUSTER else (namespace or "default", name)
        with self.lock:
            return self._exchange(kind, key, None)

    def replace(self, kind: str, objects: Iterable[Object]) -> None:
        """Take in a complete list of a kind; what it lacks is gone, and the kind is synced."""
        incoming = [(key_of(kind, obj), _slim(kind, obj)) for obj in objects]
        for start in range(0, len(incoming), _BATCH):
            with self.lock:
                for key, obj in incoming[start : start + _BATCH]:
                    self._exchange(kind, key, obj)
        present = {key for key, _ in incoming}
        with self.lock:
            for key in [key for key in self._objects.get(kind, ()) if key not in present]:
                self._exchange(kind, key, None)
            self._synced.add(kind)

    def synced(self, *kinds: str) -> bool:
        """Tell whether kinds have been listed once; by default all of :data:`KINDS`."""
        return self._synced.issuperset(kinds or KINDS)

    def subscribe(self, listener: Listener) -> None:
        """Call a listener for all objects that are there, and for every change that matters.

        It is called while :attr:`lock` is held: it must be quick and must not call back.
        """
        with self.lock:
            for kind, found in self._objects.items():
                for key, obj in found.items():
                    listener(kind, key, None, obj)
            self._listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Call a listener no more."""
        with self.lock:
            self._listeners.remove(listener)

    def objects(self, kind: str | None = None) -> list[Object]:
        """Return the objects of a kind, or all, each with its ``kind``."""
        with self.lock:
            if kind is not None:
                return list(self._objects.get(kind, {}).values())
            return [obj for found in self._objects.values() for obj in found.values()]

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object by its name."""
        with self.lock:
            return self._objects.get(kind, {}).get((namespace, name))

    def node(self, name: str) -> Object | None:
        """Return a node by its name."""
        return self.get("Node", "", name)

    def pod(self, uid: str) -> Object | None:
        """Return a pod by its UID."""
        with self.lock:
            key = self._by_uid.get(uid)
            return None if key is None else self._objects["Pod"][key]

    def pods_on(self, node: str) -> list[Object]:
        """Return the pods bound to a node that have not ended."""
        with self.lock:
            return [self._objects["Pod"][key] for key in self._by_node.get(node, ())]

    def pending(self) -> list[Object]:
        """Return the pods that are bound to no node and have not ended."""
        with self.lock:
            return [self._objects["Pod"][key] for key in self._pending]

    def count(self, kind: str) -> int:
        """Return the number of objects of a kind."""
        return len(self._objects.get(kind, ()))

    @property
    def n_pending(self) -> int:
        """Number of pending pods."""
        return len(self._pending)

    def _exchange(self, kind: str, key: Key, after: Object | None) -> bool:
        found = self._objects.setdefault(kind, {})
        before = found.get(key)
        if before is None and after is None:
            return False
        matters: bool = _part(kind, before) != _part(kind, after)
        if kind == "Pod":
            self._index(key, before, after)
        if after is None:
            del found[key]
        else:
            found[key] = after
        if matters:
            self.version += 1
            for listener in self._listeners:
                listener(kind, key, before, after)
        return matters

    def _index(self, key: Key, before: Object | None, after: Object | None) -> None:
        if before is not None:
            self._by_uid.pop(uid_of(before), None)
            self._pending.discard(key)
            node = node_of(before)
            if node is not None and node in self._by_node:
                self._by_node[node].discard(key)
                if not self._by_node[node]:
                    del self._by_node[node]
        if after is None:
            return
        self._by_uid[uid_of(after)] = key
        if is_done(after):
            return
        node = node_of(after)
        if node is None:
            self._pending.add(key)
        else:
            self._by_node.setdefault(node, set()).add(key)


def _slim(kind: str, obj: Object) -> Object:
    """Return an object with its kind (items of lists have none) and without managed fields."""
    meta = obj.get("metadata") or {}
    if "managedFields" in meta:
        meta = {name: value for name, value in meta.items() if name != "managedFields"}
    return {**obj, "kind": kind, "metadata": meta}


def _part(kind: str, obj: Object | None) -> Any:
    """Return what of an object decides placement; equal parts are no change."""
    if obj is None:
        return None
    meta, spec, status = (obj.get(name) or {} for name in ("metadata", "spec", "status"))
    if kind == "Node":
        room = status.get("allocatable") or status.get("capacity")
        conditions = _picked(status.get("conditions"), ("type", "status"))
        return meta.get("labels"), spec.get("taints"), spec.get("unschedulable"), room, conditions
    if kind == "Pod":
        return (
            meta.get("uid"),
            meta.get("labels"),
            meta.get("ownerReferences"),
            is_leaving(obj),
            _MIRROR in (meta.get("annotations") or {}),
            spec,
            is_done(obj),
            status.get("resourceClaimStatuses"),
            resizes(status),
            *(_picked(status.get(name), _CONTAINER) for name in _CONTAINER_STATUSES),
        )
    own = {name: value for name, value in obj.items() if name not in _COMMON}
    told = [status.get(name) for name in _OTHER_STATUS]
    return meta.get("labels"), meta.get("annotations"), is_leaving(obj), own, told


def _picked(entries: Any, names: tuple[str, ...]) -> list[list[Any]]:
    found = entries if isinstance(entries, list) else ()
    return [[entry.get(name) for name in names] for entry in found if isinstance(entry, dict)]
