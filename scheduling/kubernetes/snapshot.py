"""Snapshots of a cluster, as ``kubectl get … -o json`` prints them, as placement problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.documents import parse_json
from scheduling.instances.yamltext import parse_yaml
from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.quantities import amount
from scheduling.models.placement.eligibility import selects
from scheduling.models.placement.problem import Budget, Item, Node, PlacementProblem, Quota
from scheduling.models.placement.rules import NodeTerm, Taint

_NAME_LABEL = "kubernetes.io/metadata.name"
_DONE = ("Succeeded", "Failed")
_MIRROR = "kubernetes.io/config.mirror"
_FIXED_OWNERS = ("DaemonSet", "Node")
_ZERO_PRIORITY = 0


@dataclass(frozen=True)
class Snapshot:
    """A cluster at one moment.

    Attributes
    ----------
    problem
        Nodes and pods; pods are named ``namespace/name``.
    notes
        What was left out or taken otherwise than written, one sentence each.
    """

    problem: PlacementProblem
    notes: tuple[str, ...] = ()


def read_snapshot(text: str, source: str | None = None) -> Snapshot:
    """Read a snapshot.

    Parameters
    ----------
    text
        A ``List`` of nodes, pods and, as far as they are there, PriorityClasses,
        PodDisruptionBudgets, ResourceQuotas, PersistentVolumes and their claims and Namespaces, as
        JSON or YAML.
    source
        Name of the file, for errors.

    Raises
    ------
    InputError
        Naming the object and field that is wrong.
    """
    source = source or "snapshot"
    return snapshot_of(read_objects(text, source), source)


def read_objects(text: str, source: str | None = None) -> list[dict[str, Any]]:
    """Read the objects of a snapshot as they stand, each with its ``kind``.

    Raises
    ------
    InputError
        Naming the place that is wrong.
    """
    data = parse_json(text, source) if text.lstrip()[:1] == "{" else parse_yaml(text, source)
    try:
        return [{**entry.all(), "kind": kind} for kind, entry in _objects(data)]
    except InputError as error:
        raise error.with_source(source or "snapshot") from None


def snapshot_of(objects: Iterable[dict[str, Any]], source: str = "cluster") -> Snapshot:
    """Return objects of a cluster, each with its ``kind``, as a placement problem.

    Raises
    ------
    InputError
        Naming the object and field that is wrong.
    """
    try:
        return _Reader([(entry["kind"], Fields(entry, "object")) for entry in objects]).snapshot()
    except InputError as error:
        raise error.with_source(source) from None


def _objects(data: Any, place: str = "document") -> Iterator[tuple[str, Fields]]:
    """Yield kind and fields of every object, those of lists in lists included."""
    top = Fields(data, place)
    kind = top.text("kind", "")
    if kind.endswith("List"):
        inner = kind.removesuffix("List")
        for index, entry in enumerate(top.value("items") or []):
            where = f"{place}.items[{index}]" if place != "document" else f"items[{index}]"
            found = Fields(entry, where).text("kind", "")
            yield from _objects(entry if found else {**entry, "kind": inner}, where)
    elif kind:
        yield kind, top
    else:
        raise InputError.single(f"{place}.kind", "nothing", "the kind of a Kubernetes object")


def read_node(entry: Fields) -> Node:
    """Return a Node object as a node of a placement problem."""
    meta, spec = entry.inner("metadata"), entry.inner("spec")
    status = entry.inner("status")
    place = status.at("allocatable")
    room = status.quantities("allocatable") or status.quantities("capacity")
    taints = tuple(
        Taint(
            key=taint.text("key"),
            value=taint.text("value", ""),
            effect=taint.choice("effect", pods.EFFECTS, "NoSchedule"),
        )
        for taint in spec.entries("taints")
    )
    return Node(
        id=meta.text("name"),
        capacity={name: amount(name, value, f"{place}.{name}") for name, value in room.items()},
        labels=meta.texts("labels"),
        taints=taints,
        closed=spec.flag("unschedulable"),
    )


@dataclass
class _Reader:
    objects: list[tuple[str, Fields]]
    notes: list[str] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        nodes = tuple(map(read_node, self.of("Node")))
        if not nodes:
            raise InputError.single("items", "no node", "the cluster's nodes beside its pods")
        names = {node.id for node in nodes}
        items = tuple(self._items(names))
        problem = PlacementProblem(
            name="cluster",
            nodes=nodes,
            items=items,
            budgets=tuple(self._budgets()),
            quotas=tuple(self._quotas()),
        )
        return Snapshot(problem, tuple(self.notes))

    def of(self, kind: str) -> Iterator[Fields]:
        """Yield the objects of a kind, each with its name as its place."""
        for index, (found, entry) in enumerate(self.objects):
            if found == kind:
                meta = entry.inner("metadata")
                space, name = meta.text("namespace", ""), meta.text("name", f"#{index}")
                entry.place = f"{kind} {space}/{name}" if space else f"{kind} {name}"
                yield entry

    def _items(self, nodes: set[str]) -> Iterator[Item]:
        priorities = {
            entry.inner("metadata").text("name"): entry.number("value", _ZERO_PRIORITY)
            for entry in self.of("PriorityClass")
        }
        volumes = _Volumes(self)
        spaces = _Spaces(self)
        for entry in self.of("Pod"):
            spec, status = entry.inner("spec"), entry.inner("status")
            if status.text("phase", "Pending") in _DONE:
                continue
            reason = self._left_out(spec, nodes)
            if reason is not None:
                self.notes.append(f"{entry.place}: left out, {reason}")
                continue
            yield self._item(entry, priorities, volumes, spaces)

    def _left_out(self, spec: Fields, nodes: set[str]) -> str | None:
        node = spec.text("nodeName", "")
        if node and node not in nodes:
            return f"it runs on {node!r}, which is not among the nodes"
        if not node and spec.value("schedulingGates"):
            return "its scheduling gates are closed"
        if not node and spec.value("resourceClaims"):
            return "dynamic resource claims are not supported"
        return None

    def _item(
        self, entry: Fields, priorities: dict[str, int], volumes: _Volumes, spaces: _Spaces
    ) -> Item:
        meta, spec = entry.inner("metadata"), entry.inner("spec")
        space, labels = meta.text("namespace", "default"), meta.texts("labels")
        affinity = spec.inner("affinity")
        required, wishes = pods.node_affinity(affinity)
        owner = next((o for o in meta.entries("ownerReferences") if o.flag("controller")), None)
        fixed = owner is not None and owner.text("kind", "") in _FIXED_OWNERS
        claims = bool(spec.value("resourceClaims"))
        if claims:
            self.notes.append(f"{entry.place}: stays where it runs, as it has resource claims")
        fixed = (
            fixed or claims or _MIRROR in meta.inner("annotations") or "deletionTimestamp" in meta
        )
        node = spec.text("nodeName", "") or None
        default = priorities.get(spec.text("priorityClassName", ""), _ZERO_PRIORITY)
        return Item(
            id=f"{space}/{meta.text('name')}",
            demands=pods.requests(spec),
            priority=spec.number("priority", default),
            node=node,
            pinned=node is not None and fixed,
            namespace=space,
            labels=labels,
            owner=None if owner is None else owner.text("name"),
            tolerations=tuple(pods.tolerations(spec)),
            node_selector=spec.texts("nodeSelector"),
            node_affinity=required,
            volumes=tuple(volumes.of(space, spec, entry.place)),
            preferences=wishes,
            affinity=tuple(pods.item_terms(affinity, "podAffinity", labels, spaces.meant)),
            anti_affinity=tuple(pods.item_terms(affinity, "podAntiAffinity", labels, spaces.meant)),
            spread=tuple(pods.spreads(spec, labels)),
            ports=tuple(pods.ports(spec)),
        )

    def _budgets(self) -> Iterator[Budget]:
        for entry in self.of("PodDisruptionBudget"):
            if "selector" not in entry.inner("spec"):
                continue  # It means no pods.
            meta = entry.inner("metadata")
            space = meta.text("namespace", "default")
            yield Budget(
                id=f"{space}/{meta.text('name')}",
                namespace=space,
                selector=pods.selector(entry.inner("spec").inner("selector")),
                allowed=max(0, entry.inner("status").number("disruptionsAllowed", 0)),
            )

    def _quotas(self) -> Iterator[Quota]:
        for entry in self.of("ResourceQuota"):
            meta, spec = entry.inner("metadata"), entry.inner("spec")
            space = meta.text("namespace", "default")
            if spec.value("scopes") or spec.value("scopeSelector"):
                self.notes.append(f"{entry.place}: left out, quotas with scopes are not supported")
                continue
            limits = {
                name.removeprefix("requests.").removeprefix("count/"): value
                for name, value in spec.quantities("hard").items()
                if not name.startswith("limits.")
            }
            limits = {name: amount(name, v, spec.at(f"hard.{name}")) for name, v in limits.items()}
            yield Quota(id=f"{space}/{meta.text('name')}", namespace=space, limits=limits)


class _Volumes:
    """Where the volumes of pods may be reached."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._bound = {
            (e.inner("metadata").text("namespace", "default"), e.inner("metadata").text("name")): (
                e.inner("spec").text("volumeName", "")
            )
            for e in reader.of("PersistentVolumeClaim")
        }
        self._terms = {
            e.inner("metadata").text("name"): pods.node_terms(
                e.inner("spec").inner("nodeAffinity").inner("required")
            )
            for e in reader.of("PersistentVolume")
        }

    def of(self, space: str, spec: Fields, place: str) -> Iterator[tuple[NodeTerm, ...]]:
        """Yield the terms of each bound volume that is not reachable from everywhere."""
        for claim in pods.claims(spec):
            volume = self._bound.get((space, claim))
            if volume is None:
                self._reader.notes.append(f"{place}: claim {claim!r} is not in the snapshot")
            elif self._terms.get(volume):
                yield self._terms[volume]


class _Spaces:
    """Which namespaces a selector means."""

    def __init__(self, reader: _Reader) -> None:
        seen = {e.inner("metadata").text("namespace", "default") for e in reader.of("Pod")}
        self._labels = {name: {_NAME_LABEL: name} for name in sorted(seen)}
        for entry in reader.of("Namespace"):
            meta = entry.inner("metadata")
            name = meta.text("name")
            self._labels[name] = {_NAME_LABEL: name, **meta.texts("labels")}

    def meant(self, part: Fields) -> tuple[str, ...]:
        """Names of the namespaces that a selector means."""
        wanted = pods.selector(part)
        return tuple(name for name, labels in self._labels.items() if selects(wanted, labels))
