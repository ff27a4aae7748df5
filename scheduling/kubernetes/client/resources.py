"""What the extender asks of an API server: the objects it watches and the rights it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of objects that is listed and watched.

    Attributes
    ----------
    kind
        Name of the kind in objects.
    plural
        Name of the kind in paths and rights.
    group
        API group, empty for the core.
    versions
        Versions of the group, the one to try first first.
    fields
        Field selector; empty: every object.
    optional
        Whether a server may do without it: it counts as empty then.
    """

    kind: str
    plural: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    fields: str = ""
    optional: bool = False

    def paths(self) -> Iterator[str]:
        """Yield the paths under which the objects of all namespaces may be served."""
        for version in self.versions:
            base = f"/apis/{self.group}/{version}" if self.group else f"/api/{version}"
            yield f"{base}/{self.plural}"


PODS = Resource(
    # A pod that has ended takes no room, and a cluster may keep many thousands of them.
    "Pod",
    "pods",
    fields="status.phase!=Succeeded,status.phase!=Failed",
)
WATCHED: tuple[Resource, ...] = (
    Resource("Node", "nodes"),
    PODS,
    Resource("Namespace", "namespaces"),
    Resource("PriorityClass", "priorityclasses", "scheduling.k8s.io"),
    Resource("PodDisruptionBudget", "poddisruptionbudgets", "policy"),
    Resource("PersistentVolume", "persistentvolumes"),
    Resource("PersistentVolumeClaim", "persistentvolumeclaims"),
    Resource("StorageClass", "storageclasses", "storage.k8s.io"),
    Resource("CSINode", "csinodes", "storage.k8s.io"),
    Resource("ReplicaSet", "replicasets", "apps"),
    Resource("ResourceQuota", "resourcequotas"),
    Resource(
        "ResourceClaim",
        "resourceclaims",
        "resource.k8s.io",
        ("v1", "v1beta2", "v1beta1"),
        optional=True,
    ),
    # Gangs: of the coscheduling plug-in, and of Kubernetes itself. Those of Volcano are placed by
    # Volcano's own scheduler, which calls no extender.
    Resource("PodGroup", "podgroups", "scheduling.x-k8s.io", ("v1alpha1",), optional=True),
    Resource("Workload", "workloads", "scheduling.k8s.io", ("v1beta1", "v1alpha1"), optional=True),
)
"""What a live cluster's state is made of."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a resource that a role must grant.

    Attributes
    ----------
    group, resource, verb
        As in a rule of a ClusterRole.
    part
        Part of the extender that needs it: ``state``, ``nudge``, ``move`` or ``bind``.
    """

    group: str
    resource: str
    verb: str
    part: str


RIGHTS: tuple[Right, ...] = (
    *(
        Right(entry.group, entry.plural, verb, "state")
        for entry in WATCHED
        for verb in ("list", "watch")
    ),
    Right("", "pods", "patch", "nudge"),
    Right("", "pods/eviction", "create", "move"),
    Right("", "pods/binding", "create", "bind"),
)
"""Every right that the extender makes use of; there is no call without its line here."""
