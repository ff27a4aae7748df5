"""Snapshots of a cluster, as ``kubectl get … -o json`` prints them, as placement problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from scheduling.errors import InputError
from scheduling.kubernetes.budgets import health_of, read_budgets, shared
from scheduling.kubernetes.device_claims import UNALLOCATED, DeviceClaims
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.groups import Groups
from scheduling.kubernetes.nodes import read_node
from scheduling.kubernetes.objects import (
    Entry,
    Objects,
    parse_document,
    without_collection,
)
from scheduling.kubernetes.quantities import units
from scheduling.kubernetes.quotas import read_quotas
from scheduling.kubernetes.shapes import Shapes
from scheduling.kubernetes.volumes import Volumes, alone, node_limits
from scheduling.models.placement.problem import Item, Node, PlacementProblem, Quota

_DONE = ("Succeeded", "Failed")
_NEVER = "Never"
_SCHEDULER = "default-scheduler"
_EXPECTED = (
    "the cluster's nodes beside its pods, as kubectl get nodes,pods -A -o json prints them "
    "(problems stated in files of their own are for scheduling solve)"
)
_MIRROR = "kubernetes.io/config.mirror"
_FIXED_OWNERS = ("DaemonSet", "Node")
_SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""Priority classes that every cluster has."""


@dataclass(frozen=True)
class Snapshot:
    """A cluster at one moment.

    Attributes
    ----------
    problem
        Nodes and pods; pods are named ``namespace/name``.
    notes
        What was left out or taken otherwise than written, one sentence for each reason.
    """

    problem: PlacementProblem
    notes: tuple[str, ...] = ()


def read_snapshot(text: str, source: str | None = None) -> Snapshot:
    """Read a snapshot.

    Parameters
    ----------
    text
        A ``List`` of nodes, pods and, as far as they are there, PriorityClasses,
        PodDisruptionBudgets, ResourceQuotas, PersistentVolumes with their claims and
        StorageClasses, CSINodes, ResourceClaims and Namespaces, as JSON or YAML.
    source
        Name of the file, for errors.

    Raises
    ------
    InputError
        Naming the object and field that is wrong.
    """
    with without_collection(), _named_source(source or "snapshot"):
        return _Reader(Objects([(parse_document(text, source), "")])).snapshot()


def read_objects(text: str, source: str | None = None) -> list[dict[str, Any]]:
    """Read the objects of a snapshot as they stand, each with its ``kind``.

    Raises
    ------
    InputError
        Naming the place that is wrong.
    """
    with without_collection(), _named_source(source or "snapshot"):
        return Objects([(parse_document(text, source), "")]).plain()


def snapshot_of(objects: Iterable[dict[str, Any]], source: str = "cluster") -> Snapshot:
    """Return objects of a cluster, each with its ``kind``, as a placement problem.

    Raises
    ------
    InputError
        Naming the object and field that is wrong.
    """
    numbered = ((value, f"objects[{number}]") for number, value in enumerate(objects))
    with _named_source(source):
        return _Reader(Objects(numbered)).snapshot()


@contextmanager
def _named_source(source: str) -> Iterator[None]:
    """Name the file in faults that do not name one."""
    try:
        yield
    except InputError as error:
        raise error if error.source else error.with_source(source) from None


class _Reader:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._volumes = Volumes(objects)
        self._devices = DeviceClaims(objects)
        self._shapes = Shapes(objects)
        self._groups = Groups(objects)
        self._priorities = dict(_SYSTEM_CLASSES)
        self._patient: set[str] = set()
        for entry in objects.of("PriorityClass"):
            names = {entry.meta.text("name"), *([""] if entry.flag("globalDefault") else [])}
            self._priorities.update(dict.fromkeys(names, entry.number("value", 0)))
            if entry.text("preemptionPolicy", "") == _NEVER:
                self._patient |= names

    def snapshot(self) -> Snapshot:
        nodes = tuple(self._nodes())
        if not nodes and not self._objects.faults:
            raise InputError.single("items", "no node", _EXPECTED)
        names = {node.id for node in nodes}
        items = list(self._items(names))
        self._tell_crowded(nodes, items)
        health = health_of(self._objects)
        budgets = tuple(read_budgets(self._objects, items, health))
        twice = shared(budgets, items, health)
        for number, item in enumerate(items):
            if item.id in twice and not item.pinned:
                reason = "stays where it runs, as the eviction API refuses pods of several budgets"
                self._objects.note(reason, f"Pod {item.id}")
                items[number] = item.model_copy(update={"pinned": True})
        quotas = (*read_quotas(self._objects, items), *self._single_claims())
        self._objects.refuse_faults()
        problem = PlacementProblem(
            name="cluster",
            nodes=nodes,
            items=tuple(items),
            budgets=budgets,
            quotas=quotas,
            gangs=tuple(self._groups.gangs()),
            units=units({name for node in nodes for name in node.capacity}),
        )
        return Snapshot(problem, tuple(self._objects.notes()))

    def _tell_crowded(self, nodes: Iterable[Node], items: Iterable[Item]) -> None:
        """Tell of nodes where more runs than fits of what pending pods ask for."""
        used: dict[str | None, Counter[str]] = {}
        for item in items:
            used.setdefault(item.node, Counter()).update(item.demands)
        wanted = sorted(+used.get(None, Counter()))
        for node in nodes:
            taken = used.get(node.id, Counter[str]())
            for name in wanted:
                if taken[name] > node.capacity.get(name, 0):
                    reason = (
                        f"takes pods that ask for {name} only once all fits: more runs there now"
                    )
                    self._objects.note(reason, f"Node {node.id}")

    def _nodes(self) -> Iterator[Node]:
        volumes = self._volumes
        single = {alone(claim): 1 for claim in volumes.single}
        for entry in self._objects.of("Node"):
            limits = volumes.limits.get(entry.name, {})
            extra = node_limits(limits, volumes.drivers, volumes.attachments)
            with entry.building():
                yield read_node(entry, {**extra, **single})

    def _single_claims(self) -> Iterator[Quota]:
        """Yield a quota of one for each claim that one pod alone may use."""
        for claim in sorted(self._volumes.single):
            name = alone(claim)
            yield Quota(id=name, namespace=claim.split("/")[0], limits={name: 1})

    def _items(self, nodes: set[str]) -> Iterator[Item]:
        for entry in self._objects.of("Pod"):
            if entry.inner("status").text("phase", "Pending") in _DONE:
                continue
            reason = self._left_out(entry, nodes)
            if reason is None:
                self._tell_scheduler(entry)
                with entry.building():
                    yield self._item(entry)
            else:
                self._objects.note(reason, f"Pod {entry.full_name}")

    def _tell_scheduler(self, pod: Entry) -> None:
        """Tell of a pending pod that is not for the scheduler whose rules the plan follows."""
        spec = pod.inner("spec")
        name = spec.text("schedulerName", "") or _SCHEDULER
        if name != _SCHEDULER and not spec.text("nodeName", ""):
            reason = f"planned by kube-scheduler's rules, but its scheduler is {name!r}"
            self._objects.note(reason, f"Pod {pod.full_name}")

    def _left_out(self, pod: Entry, nodes: set[str]) -> str | None:
        spec = pod.inner("spec")
        node = spec.text("nodeName", "")
        if node:
            missing = f"left out, it runs on {node!r}, which is not among the nodes"
            return None if node in nodes else missing
        if "deletionTimestamp" in pod.meta:
            return "left out, it is being deleted"
        if spec.value("schedulingGates"):
            return "left out, its scheduling gates are closed"
        if self._devices.open(pod):
            return UNALLOCATED
        waits = self._volumes.waits(pod)
        return None if waits is None else f"left out, {waits}"

    def _item(self, pod: Entry) -> Item:
        spec, meta = pod.inner("spec"), pod.meta
        node = spec.text("nodeName", "") or None
        owner = next((o for o in meta.entries("ownerReferences") if o.flag("controller")), None)
        shape = self._shapes.of(pod)
        demands = {**shape["demands"], **self._volumes.demands(pod)}
        kind = spec.text("priorityClassName", "")
        policy = _NEVER if kind in self._patient else ""
        return Item(
            id=pod.full_name,
            priority=spec.number("priority", self._priorities.get(kind, 0)),
            preempts=spec.text("preemptionPolicy", policy) != _NEVER,
            gang=self._groups.of(pod),
            node=node,
            pinned=node is not None and self._fixed(pod, owner),
            leaving="deletionTimestamp" in meta,
            namespace=pod.home,
            owner=None if owner is None else owner.text("name"),
            volumes=(*self._volumes.terms(pod), *self._devices.terms(pod)),
            **{**shape, "demands": demands},
        )

    def _fixed(self, pod: Entry, owner: Fields | None) -> bool:
        if pod.inner("spec").value("resourceClaims"):
            reason = "stays where it runs, as it has resource claims"
            self._objects.note(reason, f"Pod {pod.full_name}")
            return True
        made = owner is not None and owner.text("kind", "") in _FIXED_OWNERS
        return made or _MIRROR in pod.meta.inner("annotations") or "deletionTimestamp" in pod.meta
