"""Pods as items: requests, tolerations, affinity, spread, ports, volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from scheduling.kubernetes.fields import Fields
from scheduling.models.placement.rules import (
    ItemPreference,
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

_NO_POD = Selector(
    requirements=(
        Requirement(key="app", operator="Exists"),
        Requirement(key="app", operator="DoesNotExist"),
    )
)
"""No pod both has a label and lacks it."""

_SHARED = ("cpu", "memory")
"""Resources of which less may be asked for than the limit."""

RESIZE = "PodResizePending"
"""Condition of a pod whose resize in place has not begun; its reason says why."""

_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - read, not bound

_WHEN = ("DoNotSchedule", "ScheduleAnyway")
_POLICIES = ("Honor", "Ignore")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def requests(spec: Fields, status: Fields | None = None) -> dict[str, int]:
    """Return what a pod takes of its node, and one of its places for pods.

    All containers and sidecars (init containers that restart always) run together; init containers
    run one after the other before, beside the sidecars that were started until then. The larger of
    the two counts, resource by resource. Requests of the pod as a whole come before both; overhead
    is added (Kubernetes, "Pod overhead", "Sidecar containers", "Pod-level resources"). While a
    container is resized in place, the largest of what it asks for, has, and was promised counts;
    where the node has refused the resize for good, what it asks for does not (KEP-1287).

    Parameters
    ----------
    spec
        The pod's ``spec``.
    status
        Its ``status``, for containers that are being resized.
    """
    held = {} if status is None else _held(status)
    refused = status is not None and _refused(status)
    running: Counter[str] = Counter()
    for container in spec.entries("containers"):
        running.update(_container(container, held, refused=refused))
    sidecars: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.entries("initContainers"):
        own = _container(container, held, refused=refused)
        if container.text("restartPolicy", "") == "Always":
            sidecars.update(own)
            peak |= sidecars
        else:
            peak |= sidecars + Counter(own)
    total = dict((running + sidecars) | peak)
    total.update(_whole(spec.inner("resources"), {*running, *sidecars, *peak}))
    overhead = spec.inner("overhead")
    for name, value in _amounts(overhead).items():
        total[name] = total.get(name, 0) + value
    return {**{name: value for name, value in total.items() if value > 0}, "pods": 1}


def _held(status: Fields) -> dict[str, dict[str, int]]:
    """Return what containers have and were promised, by their names."""
    found: dict[str, dict[str, int]] = {}
    for name in ("containerStatuses", "initContainerStatuses"):
        for entry in status.entries(name):
            promised = entry.inner("allocatedResources")
            has = Counter(_amounts(entry.inner("resources").inner("requests")))
            held = has | Counter(_amounts(promised))
            if held:
                found[entry.text("name", "")] = dict(held)
    return found


def _refused(status: Fields) -> bool:
    """Tell whether the node can never give what a resize asks for."""
    return any(
        entry.text("type", "") == RESIZE and entry.text("reason", "") == "Infeasible"
        for entry in status.entries("conditions")
    )


def _container(
    container: Fields, held: dict[str, dict[str, int]], *, refused: bool
) -> dict[str, int]:
    asked = _asked(container.inner("resources"))
    more = held.get(container.text("name", ""))
    if more is None:
        return asked
    return more if refused else dict(Counter(asked) | Counter(more))


def _amounts(found: Fields) -> dict[str, int]:
    return {name: found.amount(name) for name in found.all()}


def _asked(resources: Fields) -> dict[str, int]:
    """Return requests, and limits where a request is missing."""
    parts = resources.inner("limits"), resources.inner("requests")
    wanted = {name: part for part in parts for name in part.all()}
    return {name: part.amount(name) for name, part in wanted.items()}


def _whole(resources: Fields, asked: set[str]) -> dict[str, int]:
    """Return the requests of a pod as a whole.

    Where one is missing beside a limit, the API server takes what the containers ask for, and the
    limit where none of them asks for the resource or it cannot be given out twice.
    """
    stated = resources.inner("requests").all()
    return {
        name: value
        for name, value in _asked(resources).items()
        if name in stated or name not in _SHARED or name not in asked
    }


def tolerations(spec: Fields) -> Iterator[Toleration]:
    """Yield a pod's tolerations."""
    for entry in spec.entries("tolerations"):
        yield Toleration(
            key=entry.text("key", "") or None,
            operator=entry.choice("operator", ("Equal", "Exists", "Gt", "Lt"), "Equal"),
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


_Spaces = Callable[[Fields], tuple[str, ...]]


def affinity_terms(
    affinity: Fields, labels: dict[str, str], spaces: _Spaces, home: str
) -> tuple[ItemTerm, ...]:
    """Return the required terms of affinity between pods.

    A pod counts for kube-scheduler only if all the terms mean it, so each term's selector and
    namespaces are those of all of them together.

    Parameters
    ----------
    affinity
        The pod's ``affinity``.
    labels
        The pod's own labels, for ``matchLabelKeys``.
    spaces
        From a ``namespaceSelector`` to the namespaces it means.
    home
        The pod's own namespace.
    """
    terms = _required(affinity.inner("podAffinity"), labels, spaces)
    if len(terms) < 2:
        return terms
    meant = set.intersection(*(set(term.namespaces or (home,)) for term in terms))
    every = [
        Requirement(key=key, values=(value,))
        for term in terms
        for key, value in term.selector.match.items()
    ]
    every += [entry for term in terms for entry in term.selector.requirements]
    joint = Selector(requirements=tuple(dict.fromkeys(every)))
    namespaces = tuple(sorted(meant)) or (_NO_NAMESPACE,)
    return tuple(
        ItemTerm(selector=joint, topology=term.topology, namespaces=namespaces) for term in terms
    )


def anti_affinity_terms(
    affinity: Fields, labels: dict[str, str], spaces: _Spaces
) -> tuple[ItemTerm, ...]:
    """Return the required terms of anti-affinity between pods.

    Parameters
    ----------
    affinity, labels, spaces
        As in :func:`affinity_terms`.
    """
    return _required(affinity.inner("podAntiAffinity"), labels, spaces)


def _required(part: Fields, labels: dict[str, str], spaces: _Spaces) -> tuple[ItemTerm, ...]:
    entries = part.entries("requiredDuringSchedulingIgnoredDuringExecution")
    return tuple(_item_term(entry, labels, spaces) for entry in entries)


def item_preferences(
    affinity: Fields, labels: dict[str, str], spaces: _Spaces
) -> Iterator[ItemPreference]:
    """Yield the preferred terms of affinity and anti-affinity between pods.

    Parameters
    ----------
    affinity, labels, spaces
        As in :func:`affinity_terms`.
    """
    for name in ("podAffinity", "podAntiAffinity"):
        part = affinity.inner(name)
        for entry in part.entries("preferredDuringSchedulingIgnoredDuringExecution"):
            term = entry.inner("podAffinityTerm")
            if "labelSelector" in term:
                yield ItemPreference(
                    weight=max(1, min(100, entry.number("weight", 1))),
                    term=_item_term(term, labels, spaces),
                    apart=name == "podAntiAffinity",
                )


def _item_term(entry: Fields, labels: dict[str, str], spaces: _Spaces) -> ItemTerm:
    names = entry.words("namespaces")
    if "labelSelector" not in entry:
        names = (_NO_NAMESPACE,)  # Without a selector no pods are meant, not even the pod itself.
    elif "namespaceSelector" in entry:
        names = (*names, *spaces(entry.inner("namespaceSelector"))) or (_NO_NAMESPACE,)
    return ItemTerm(
        selector=_with_keys(entry, labels),
        topology=entry.text("topologyKey"),
        namespaces=names,
    )


def _with_keys(entry: Fields, labels: dict[str, str]) -> Selector:
    """Return a label selector with the pod's own values of the keys to match and to mismatch."""
    base = selector(entry.inner("labelSelector"))
    own = {key: labels[key] for key in entry.words("matchLabelKeys") if key in labels}
    others = tuple(
        Requirement(key=key, operator="NotIn", values=(labels[key],))
        for key in entry.words("mismatchLabelKeys")
        if key in labels
    )
    return Selector(match={**base.match, **own}, requirements=(*base.requirements, *others))


def spreads(spec: Fields, labels: dict[str, str], *, binding: bool) -> Iterator[Spread]:
    """Yield the spread constraints of a pod that bind, or those that are wishes.

    Constraints without a selector mean no pods: of those that bind, the label remains that a node
    must have.
    """
    for entry in spec.entries("topologySpreadConstraints"):
        binds = entry.choice("whenUnsatisfiable", _WHEN, _WHEN[0]) == _WHEN[0]
        meant = "labelSelector" in entry
        if binds == binding and (binding or meant):
            yield Spread(
                selector=_with_keys(entry, labels) if meant else _NO_POD,
                topology=entry.text("topologyKey"),
                max_skew=max(1, entry.number("maxSkew", 1)),
                min_domains=max(1, entry.number("minDomains", 1)),
                honor_affinity=entry.choice("nodeAffinityPolicy", _POLICIES, "Honor") == "Honor",
                honor_taints=entry.choice("nodeTaintsPolicy", _POLICIES, "Ignore") == "Honor",
            )


def ports(spec: Fields) -> Iterator[Port]:
    """Yield the ports of the node that a pod takes, each once.

    Those of init containers that end before the pod runs are not kept for it.
    """
    seen: set[Port] = set()
    early = spec.entries("initContainers")
    sidecars = (entry for entry in early if entry.text("restartPolicy", "") == "Always")
    for container in (*spec.entries("containers"), *sidecars):
        for entry in container.entries("ports"):
            number = entry.number("hostPort", 0)
            protocol = entry.choice("protocol", ("TCP", "UDP", "SCTP"), "TCP")
            if number:
                address = entry.text("hostIP", "").removeprefix(_EVERY_ADDRESS)
                found = Port(port=number, protocol=protocol, address=address)
                if found not in seen:
                    seen.add(found)
                    yield found


def claims(spec: Fields, pod: str) -> Iterator[str]:
    """Yield the names of the persistent volume claims that a pod mounts.

    Generic ephemeral volumes have a claim that is named after the pod and the volume.
    """
    for entry in spec.entries("volumes"):
        if "persistentVolumeClaim" in entry:
            yield entry.inner("persistentVolumeClaim").text("claimName")
        elif "ephemeral" in entry:
            yield f"{pod}-{entry.text('name')}"
