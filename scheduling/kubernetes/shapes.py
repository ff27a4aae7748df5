"""What replicas share: the fields of an item that follow from a pod's template, read once."""

from __future__ import annotations

import marshal
from typing import Any

from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.eligibility import selects

_NAME_LABEL = "kubernetes.io/metadata.name"
_SPEC = ("affinity", "tolerations", "nodeSelector", "topologySpreadConstraints", "overhead")
_CONTAINERS = ("containers", "initContainers")
_CONTAINER = ("name", "resources", "ports", "restartPolicy")
_STATUSES = ("containerStatuses", "initContainerStatuses")
_STATUS = ("name", "resources", "allocatedResources")


class Shapes:
    """Fields of items by the parts of pods that they follow from."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[bytes, dict[str, Any]] = {}
        self._spaces = _Spaces(objects)

    def of(self, pod: Entry) -> dict[str, Any]:
        """Return the fields of an item that all pods of the same template have."""
        key = _key(pod)
        if key is None:
            return self._read(pod)
        if key in self._known:
            return self._known[key]
        before = len(self._objects.faults)
        shape = self._read(pod)
        if len(self._objects.faults) == before:  # Each pod of a broken template is named.
            self._known[key] = shape
        return shape

    def _read(self, pod: Entry) -> dict[str, Any]:
        spec, labels = pod.inner("spec"), pod.meta.texts("labels")
        affinity = spec.inner("affinity")
        required, wishes = pods.node_affinity(affinity)
        meant = self._spaces.meant
        return {
            "demands": pods.requests(spec, pod.inner("status")),
            "labels": labels,
            "tolerations": tuple(pods.tolerations(spec)),
            "node_selector": spec.texts("nodeSelector"),
            "node_affinity": required,
            "preferences": wishes,
            "affinity": pods.affinity_terms(affinity, labels, meant, pod.home),
            "anti_affinity": pods.anti_affinity_terms(affinity, labels, meant),
            "item_preferences": tuple(pods.item_preferences(affinity, labels, meant)),
            "spread": tuple(pods.spreads(spec, labels, binding=True)),
            "soft_spread": tuple(pods.spreads(spec, labels, binding=False)),
            "ports": tuple(pods.ports(spec)),
        }


def _key(pod: Entry) -> bytes | None:
    """Everything that the fields follow from; ``None`` where its form is not as expected."""
    spec, status = pod.value("spec"), pod.value("status") or {}
    if not isinstance(spec, dict) or not isinstance(status, dict):
        return None
    parts: list[Any] = [pod.home, pod.meta.value("labels"), spec.get("resources")]
    parts += [spec.get(name) for name in _SPEC]
    for owner, lists, names in (
        (spec, _CONTAINERS, _CONTAINER),
        (status, _STATUSES, _STATUS),
    ):
        for name in lists:
            found = owner.get(name) or []
            if not isinstance(found, list) or not all(isinstance(e, dict) for e in found):
                return None
            parts.append([[entry.get(field) for field in names] for entry in found])
    parts.append(resizes(status))
    # Version 0 knows no references: equal values give equal bytes.
    return marshal.dumps(parts, 0)


def resizes(status: dict[str, Any]) -> list[Any]:
    """Return why resizes in place have not begun, from a pod's status as it stands."""
    found = status.get("conditions")
    entries = found if isinstance(found, list) else []
    pending = (e for e in entries if isinstance(e, dict) and e.get("type") == pods.RESIZE)
    return [entry.get("reason") for entry in pending]


class _Spaces:
    """Which namespaces a selector means."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._told = bool(objects.of("Namespace"))
        self._labels = {name: {_NAME_LABEL: name} for name in sorted(_seen(objects))}
        for entry in objects.of("Namespace"):
            name = entry.meta.text("name")
            self._labels[name] = {_NAME_LABEL: name, **entry.meta.texts("labels")}

    def meant(self, part: Fields) -> tuple[str, ...]:
        """Names of the namespaces that a selector means."""
        wanted = pods.selector(part)
        if part.all() and not self._told:
            self._told = True
            reason = "read without the labels of namespaces, as none is in the snapshot"
            self._objects.note(reason, part.place)
        return tuple(name for name, labels in self._labels.items() if selects(wanted, labels))


def _seen(objects: Objects) -> set[str]:
    return {entry.home for entry in objects.of("Pod")}
