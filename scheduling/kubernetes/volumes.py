"""Where the volumes of pods may be reached, and how many of them a node takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, product

from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.rules import NodeTerm, Requirement

Terms = tuple[NodeTerm, ...]

_NEWER = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
"""Labels of old volumes, and what nodes have in their place."""

_ZONE_LABELS = (*_NEWER.values(), *_NEWER)
_SEVERAL = "__"
"""Stands between the zones of a volume that lies in several."""

_CHOSEN_NODE = "volume.kubernetes.io/selected-node"
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_ONE_POD = "ReadWriteOncePod"


class Volumes:
    """The persistent volumes of a cluster, their claims and classes, and limits of attachments."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._claims = {entry.full_name: entry for entry in objects.of("PersistentVolumeClaim")}
        self._volumes = {entry.name: entry for entry in objects.of("PersistentVolume")}
        self._classes = {entry.name: entry for entry in objects.of("StorageClass")}
        self._terms: dict[str, Terms] = {}
        self._missing: set[tuple[str, str]] = set()
        self.limits = {entry.name: dict(_limits(entry)) for entry in objects.of("CSINode")}
        self.drivers = {driver for limits in self.limits.values() for driver in limits}
        uses = Counter(
            claim
            for entry in objects.of("Pod")
            for claim in self._named(entry)
            if claim in self._claims
        )
        self.single = {
            claim
            for claim, count in uses.items()
            if count > 1 and _ONE_POD in self._claims[claim].inner("spec").words("accessModes")
        }
        self.attachments = sum(uses.values())

    def _named(self, pod: Entry) -> Iterator[str]:
        for claim in pods.claims(pod.inner("spec"), pod.name):
            yield f"{pod.home}/{claim}"

    def terms(self, pod: Entry) -> Iterator[Terms]:
        """Yield the terms of each volume that is not reachable from everywhere."""
        for claim in self._named(pod):
            entry = self._claims.get(claim)
            if entry is None:
                self._everywhere("PersistentVolumeClaim", claim)
            else:
                found = self._claim_terms(entry)
                if found:
                    yield found

    def waits(self, pod: Entry) -> str | None:
        """Return why the volumes keep a pod from being scheduled at all."""
        for claim in self._named(pod):
            entry = self._claims.get(claim)
            if entry is None:
                continue
            if "deletionTimestamp" in entry.meta:
                return "its claim is being deleted"
            if entry.inner("status").text("phase", "") == "Lost":
                return "its claim has lost its volume"
            if not _bound(entry) and self._at_once(entry):
                return "its claim is to be bound at once and is not"
        return None

    def _at_once(self, claim: Entry) -> bool:
        """Tell whether a claim waits for no consumer; those without a class never do."""
        name = _class(claim)
        known = self._classes.get(name)
        if known is None:
            return not name
        return known.text("volumeBindingMode", "Immediate") == "Immediate"

    def demands(self, pod: Entry) -> dict[str, int]:
        """Return what the volumes take of a node's attachments, and claims for one pod alone."""
        found: Counter[str] = Counter()
        for claim in set(self._named(pod)) & self._claims.keys():
            driver = self._driver(self._claims[claim])
            if driver in self.drivers:
                found[attachments(driver)] += 1
            if claim in self.single:
                found[alone(claim)] += 1
        return dict(found)

    def _claim_terms(self, claim: Entry) -> Terms:
        bound = _bound(claim)
        if bound:
            return self._volume_terms(bound)
        chosen = claim.meta.texts("annotations").get(_CHOSEN_NODE)
        if chosen is not None:
            return (NodeTerm(nodes=(chosen,)),)
        known = self._classes.get(_class(claim))
        if known is None:
            if _class(claim):
                self._everywhere("StorageClass", _class(claim))
            return ()
        if known.text("provisioner", "") == _NO_PROVISIONER:
            return self._free_volumes(known.name)
        return tuple(map(_topology, known.entries("allowedTopologies")))

    def _free_volumes(self, name: str) -> Terms:
        """Terms of the volumes of a class that are still free; none reachable where there are none.

        A volume that is reachable from everywhere makes all the others' terms pointless.
        """
        found: list[NodeTerm] = []
        for entry in self._volumes.values():
            free = entry.inner("status").text("phase", "Available") == "Available"
            if free and entry.inner("spec").text("storageClassName", "") == name:
                terms = self._volume_terms(entry.name)
                if not terms:
                    return ()
                found += terms
        return tuple(dict.fromkeys(found)) or (NodeTerm(nodes=()),)

    def _volume_terms(self, name: str) -> Terms:
        if name not in self._terms:
            entry = self._volumes.get(name)
            if entry is None:
                self._everywhere("PersistentVolume", name)
            self._terms[name] = () if entry is None else _reached(entry)
        return self._terms[name]

    def _everywhere(self, kind: str, name: str) -> None:
        """Tell once of an object that is missing."""
        if (kind, name) not in self._missing:
            self._missing.add((kind, name))
            reason = "taken as reachable from everywhere, it is not in the snapshot"
            self._objects.note(reason, f"{kind} {name}")

    def _driver(self, claim: Entry) -> str:
        volume = self._volumes.get(_bound(claim))
        if volume is not None:
            return volume.inner("spec").inner("csi").text("driver", "")
        known = self._classes.get(_class(claim))
        return "" if known is None else known.text("provisioner", "")


def attachments(driver: str) -> str:
    """Name of the resource that counts the volumes of a driver on a node."""
    return f"attachable-volumes-csi-{driver}"


def alone(claim: str) -> str:
    """Name of the resource of a claim that one pod in the whole cluster may use."""
    return f"claim {claim}"


def _bound(claim: Entry) -> str:
    return claim.inner("spec").text("volumeName", "")


def _class(claim: Entry) -> str:
    """Name of a claim's class; empty: it has none, and only a volume without one is bound to it."""
    spec = claim.inner("spec")
    return claim.meta.texts("annotations").get(_OLD_CLASS) or spec.text("storageClassName", "")


def _limits(entry: Entry) -> Iterator[tuple[str, int]]:
    for driver in entry.inner("spec").entries("drivers"):
        if "count" in driver.inner("allocatable"):
            yield driver.text("name"), max(0, driver.inner("allocatable").number("count", 0))


def _reached(volume: Entry) -> Terms:
    """Terms of a volume: those of its own affinity, each with the zones of its labels.

    Nodes without any such label are in no zone, and may be anywhere (plug-in VolumeZone).
    """
    choices = [
        list(_zones(key, tuple(value.split(_SEVERAL))))
        for key, value in volume.meta.texts("labels").items()
        if key in _ZONE_LABELS
    ]
    required = volume.inner("spec").inner("nodeAffinity").inner("required")
    terms = pods.node_terms(required)
    if not choices:
        return terms
    nowhere = tuple(Requirement(key=key, operator="DoesNotExist") for key in _ZONE_LABELS)
    ways = [tuple(chain.from_iterable(way)) for way in product(*choices)]
    return tuple(
        term.model_copy(update={"labels": (*term.labels, *way)})
        for term in terms or (NodeTerm(),)
        for way in (*ways, nowhere)
    )


def _zones(key: str, values: tuple[str, ...]) -> Iterator[tuple[Requirement, ...]]:
    """Yield the ways in which a node may be in a volume's zones."""
    yield (Requirement(key=key, values=values),)
    if key in _NEWER:
        missing = Requirement(key=key, operator="DoesNotExist")
        yield missing, Requirement(key=_NEWER[key], values=values)


def _topology(entry: Fields) -> NodeTerm:
    return NodeTerm(
        labels=tuple(
            Requirement(key=label.text("key"), values=label.words("values"))
            for label in entry.entries("matchLabelExpressions")
        )
    )


def node_limits(limits: dict[str, int], drivers: Iterable[str], unlimited: int) -> dict[str, int]:
    """Return how many volumes a node takes of each driver that has limits on some node."""
    return {attachments(driver): limits.get(driver, unlimited) for driver in drivers}
