"""Pods as items: requests, tolerations, affinity, spread, ports, volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.quantities import amount
from scheduling.models.placement.rules import (
    ItemTerm,
    NodePreference,
    NodeTerm,
    Port,
    Requirement,
    Selector,
    Spread,
    Toleration,
)

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_NO_NAMESPACE = "(none)"
"""No namespace has this name: the term means no pods, not those of the pod's own namespace."""

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def requests(spec: Fields) -> dict[str, int]:
    """Return what a pod takes of its node, and one of its places for pods.

    All containers and sidecars (init containers that restart always) run together; init containers
    run one after the other before, beside the sidecars that were started until then. The larger of
    the two counts, resource by resource. Requests of the pod as a whole come before both; overhead
    is added (Kubernetes, "Pod overhead", "Sidecar containers", "Pod-level resources").
    """
    running: Counter[str] = Counter()
    for container in spec.entries("containers"):
        running.update(_container(container))
    sidecars: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.entries("initContainers"):
        own = _container(container)
        if container.text("restartPolicy", "") == "Always":
            sidecars.update(own)
            peak |= sidecars
        else:
            peak |= sidecars + Counter(own)
    total = dict((running + sidecars) | peak)
    total.update(_asked(spec.inner("resources")))
    overhead = spec.inner("overhead")
    for name, value in spec.quantities("overhead").items():
        total[name] = total.get(name, 0) + amount(name, value, overhead.at(name))
    return {**{name: value for name, value in total.items() if value > 0}, "pods": 1}


def _container(container: Fields) -> dict[str, int]:
    return _asked(container.inner("resources"))


def _asked(resources: Fields) -> dict[str, int]:
    """Return requests, and limits where a request is missing."""
    wanted = {**resources.quantities("limits"), **resources.quantities("requests")}
    return {name: amount(name, value, resources.at(name)) for name, value in wanted.items()}


def tolerations(spec: Fields) -> Iterator[Toleration]:
    """Yield a pod's tolerations."""
    for entry in spec.entries("tolerations"):
        yield Toleration(
            key=entry.text("key", "") or None,
            operator=entry.choice("operator", ("Equal", "Exists"), "Equal"),
            value=entry.text("value", ""),
            effect=entry.choice("effect", EFFECTS, "") or None,
        )


def node_affinity(affinity: Fields) -> tuple[tuple[NodeTerm, ...], tuple[NodePreference, ...]]:
    """Return the terms of which a node must meet one, and the preferred terms."""
    part = affinity.inner("nodeAffinity")
    required = part.inner("requiredDuringSchedulingIgnoredDuringExecution")
    wishes = tuple(
        NodePreference(
            weight=max(1, min(100, entry.number("weight", 1))),
            term=_node_term(entry.inner("preference")),
        )
        for entry in part.entries("preferredDuringSchedulingIgnoredDuringExecution")
    )
    return node_terms(required), wishes


def node_terms(selector: Fields) -> tuple[NodeTerm, ...]:
    """Return the terms of a node selector; empty terms meet no node, as in Kubernetes."""
    found = list(map(_node_term, selector.entries("nodeSelectorTerms")))
    return tuple(NodeTerm(nodes=()) if term == NodeTerm() else term for term in found)


def _node_term(term: Fields) -> NodeTerm:
    labels = tuple(map(_requirement, term.entries("matchExpressions")))
    names: set[str] | None = None
    excluded: set[str] = set()
    for entry in term.entries("matchFields"):
        values = set(entry.words("values"))
        if entry.choice("operator", ("In", "NotIn"), "In") == "NotIn":
            excluded |= values
        else:
            names = values if names is None else names & values
    return NodeTerm(
        labels=labels,
        nodes=None if names is None else tuple(sorted(names)),
        excluded=tuple(sorted(excluded)),
    )


def _requirement(entry: Fields) -> Requirement:
    return Requirement(
        key=entry.text("key"),
        operator=entry.choice("operator", OPERATORS, "In"),
        values=entry.words("values"),
    )


def selector(part: Fields) -> Selector:
    """Return a label selector."""
    return Selector(
        match=part.texts("matchLabels"),
        requirements=tuple(map(_requirement, part.entries("matchExpressions"))),
    )


def item_terms(
    affinity: Fields, name: str, labels: dict[str, str], spaces: Callable[[Fields], tuple[str, ...]]
) -> Iterator[ItemTerm]:
    """Yield the required terms of affinity or anti-affinity between pods.

    Parameters
    ----------
    affinity
        The pod's ``affinity``.
    name
        ``podAffinity`` or ``podAntiAffinity``.
    labels
        The pod's own labels, for ``matchLabelKeys``.
    spaces
        From a ``namespaceSelector`` to the namespaces it means.
    """
    part = affinity.inner(name)
    for entry in part.entries("requiredDuringSchedulingIgnoredDuringExecution"):
        if "labelSelector" not in entry:
            continue
        names = entry.words("namespaces")
        if "namespaceSelector" in entry:
            names = (*names, *spaces(entry.inner("namespaceSelector"))) or (_NO_NAMESPACE,)
        yield ItemTerm(
            selector=_with_keys(entry, labels),
            topology=entry.text("topologyKey"),
            namespaces=names,
        )


def _with_keys(entry: Fields, labels: dict[str, str]) -> Selector:
    """Return a label selector with the pod's own values of ``matchLabelKeys`` added."""
    base = selector(entry.inner("labelSelector"))
    own = {key: labels[key] for key in entry.words("matchLabelKeys") if key in labels}
    return base.model_copy(update={"match": {**base.match, **own}})


def spreads(spec: Fields, labels: dict[str, str]) -> Iterator[Spread]:
    """Yield the binding spread constraints of a pod; wishes, and those of no pods, are left out."""
    for entry in spec.entries("topologySpreadConstraints"):
        binding = entry.text("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
        if binding and "labelSelector" in entry:
            yield Spread(
                selector=_with_keys(entry, labels),
                topology=entry.text("topologyKey"),
                max_skew=max(1, entry.number("maxSkew", 1)),
                min_domains=max(1, entry.number("minDomains", 1)),
            )


def ports(spec: Fields) -> Iterator[Port]:
    """Yield the ports of the node that a pod takes, each once."""
    seen: set[tuple[int, str]] = set()
    for container in (*spec.entries("containers"), *spec.entries("initContainers")):
        for entry in container.entries("ports"):
            number = entry.number("hostPort", 0)
            protocol = entry.choice("protocol", ("TCP", "UDP", "SCTP"), "TCP")
            if number and (number, protocol) not in seen:
                seen.add((number, protocol))
                yield Port(port=number, protocol=protocol)


def claims(spec: Fields) -> Iterator[str]:
    """Yield the names of the persistent volume claims that a pod mounts."""
    for entry in spec.entries("volumes"):
        if "persistentVolumeClaim" in entry:
            yield entry.inner("persistentVolumeClaim").text("claimName")
