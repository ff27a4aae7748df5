"""What kube-scheduler's default filters say of a pod and a node, on objects as the API gives them.

Written from the plug-ins' definitions (Kubernetes 1.35), on its own: NodeUnschedulable,
TaintToleration, NodeAffinity, NodeResourcesFit, NodePorts, InterPodAffinity, PodTopologySpread.
Quantities are whole numbers. A cordon carries the taint that the node controller sets for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_EVERY = "0.0.0.0"


@dataclass(frozen=True)
class Cluster:
    """Nodes, pods with their nodes, and labels of namespaces."""

    nodes: Sequence[Object]
    placed: Sequence[tuple[Object, str]]
    spaces: dict[str, dict[str, str]]

    def beside(self, pod: Object, node: str) -> Cluster:
        """The cluster with one more pod."""
        return Cluster(self.nodes, [*self.placed, (pod, node)], self.spaces)

    def on(self, node: str) -> list[Object]:
        """Pods of a node."""
        return [pod for pod, host in self.placed if host == node]

    def marks(self, node: str) -> dict[str, str]:
        """Labels of a node."""
        return next(labels(entry) for entry in self.nodes if entry["metadata"]["name"] == node)


def labels(obj: Object) -> dict[str, str]:
    found: dict[str, str] = obj["metadata"].get("labels", {})
    return found


def admits(cluster: Cluster, pod: Object, node: Object) -> bool:
    """Whether all filters pass."""
    return (
        _untainted(pod, node)
        and _selected(pod, node)
        and _fits(cluster, pod, node)
        and _apart(cluster, pod, node)
        and _together(cluster, pod, node)
        and _even(cluster, pod, node)
    )


def _holds(entry: Object, found: dict[str, str]) -> bool:
    operator, value = entry["operator"], found.get(entry["key"])
    if operator in ("Exists", "DoesNotExist"):
        return bool((value is not None) == (operator == "Exists"))
    if operator == "NotIn":
        return bool(value not in entry["values"])
    if operator == "In":
        return bool(value in entry["values"])
    try:
        number, limit = int(value or ""), int(entry["values"][0])
    except ValueError:
        return False
    return number > limit if operator == "Gt" else number < limit


def _selects(selector: Object | None, found: dict[str, str]) -> bool:
    if selector is None:
        return False
    wanted = selector.get("matchLabels", {}).items()
    rest = selector.get("matchExpressions", [])
    return all(found.get(key) == value for key, value in wanted) and all(
        _holds(entry, found) for entry in rest
    )


def _tolerated(taint: Object, tolerations: list[Object]) -> bool:
    for entry in tolerations:
        operator = entry.get("operator", "Equal")
        if entry.get("effect", taint["effect"]) != taint["effect"]:
            continue
        if "key" not in entry:
            if operator == "Exists":
                return True
            continue
        if entry["key"] != taint["key"]:
            continue
        if operator == "Exists":
            return True
        if operator == "Equal" and entry.get("value", "") == taint.get("value", ""):
            return True
        if operator in ("Gt", "Lt") and taint.get("value", "").isdecimal():
            value, limit = int(taint["value"]), int(entry["value"])
            if value != limit and (value > limit) == (operator == "Gt"):
                return True
    return False


def _untainted(pod: Object, node: Object) -> bool:
    written: list[Object] = node["spec"].get("taints", [])
    cordon = [_CORDON] if node["spec"].get("unschedulable", False) else []
    taints = (t for t in (*written, *cordon) if t["effect"] != "PreferNoSchedule")
    return all(_tolerated(taint, pod["spec"].get("tolerations", [])) for taint in taints)


def _selected(pod: Object, node: Object) -> bool:
    spec, own = pod["spec"], labels(node)
    if any(own.get(key) != value for key, value in spec.get("nodeSelector", {}).items()):
        return False
    required = spec.get("affinity", {}).get("nodeAffinity", {}).get(REQUIRED)
    return required is None or any(_meets(t, node) for t in required["nodeSelectorTerms"])


def _meets(term: Object, node: Object) -> bool:
    names, conditions = term.get("matchFields", []), term.get("matchExpressions", [])
    name = {"metadata.name": node["metadata"]["name"]}
    return (
        bool(names or conditions)
        and all(_holds(entry, name) for entry in names)
        and all(_holds(entry, labels(node)) for entry in conditions)
    )


def _needs(pod: Object) -> Counter[str]:
    running, early = Counter[str](), Counter[str]()
    for container in pod["spec"]["containers"]:
        running.update({k: int(v) for k, v in container["resources"]["requests"].items()})
    for container in pod["spec"].get("initContainers", []):
        early |= Counter({k: int(v) for k, v in container["resources"]["requests"].items()})
    over = {name: int(value) for name, value in pod["spec"].get("overhead", {}).items()}
    return (running | early) + Counter(over)


def _fits(cluster: Cluster, pod: Object, node: Object) -> bool:
    room = {name: int(value) for name, value in node["status"]["allocatable"].items()}
    here = cluster.on(node["metadata"]["name"])
    used = sum(map(_needs, here), Counter[str]())
    enough = all(used[k] + need <= room.get(k, 0) for k, need in _needs(pod).items())
    taken = [port for other in here for port in _ports(other)]
    free = not any(_clash(one, other) for one in _ports(pod) for other in taken)
    return enough and free and len(here) < room["pods"]


def _ports(pod: Object) -> Iterator[tuple[int, str, str]]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            yield port["hostPort"], port.get("protocol", "TCP"), port.get("hostIP", _EVERY)


def _clash(one: tuple[int, str, str], other: tuple[int, str, str]) -> bool:
    same = one[2] == other[2] or _EVERY in (one[2], other[2])
    return one[:2] == other[:2] and same


def _terms(pod: Object, kind: str) -> list[Object]:
    found: list[Object] = pod["spec"].get("affinity", {}).get(kind, {}).get(REQUIRED, [])
    return found


def _selector(rule: Object, own: dict[str, str]) -> Object | None:
    selector = rule.get("labelSelector")
    if selector is None:
        return None
    more = [
        {"key": key, "operator": operator, "values": [own[key]]}
        for name, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in rule.get(name, [])
        if key in own
    ]
    return {**selector, "matchExpressions": [*selector.get("matchExpressions", []), *more]}


def _means(cluster: Cluster, term: Object, owner: Object, other: Object) -> bool:
    home, space = owner["metadata"]["namespace"], other["metadata"]["namespace"]
    listed, wanted = term.get("namespaces", []), term.get("namespaceSelector")
    near = space in listed or (wanted is not None and _selects(wanted, cluster.spaces[space]))
    if not listed and wanted is None:
        near = space == home
    return near and _selects(_selector(term, labels(owner)), labels(other))


def _same_domain(cluster: Cluster, key: str, node: Object, host: str) -> bool:
    own = labels(node)
    return key in own and cluster.marks(host).get(key) == own[key]


def _apart(cluster: Cluster, pod: Object, node: Object) -> bool:
    pairs = ((pod, other, host) for other, host in cluster.placed)
    turned = ((other, pod, host) for other, host in cluster.placed)
    return not any(
        _means(cluster, term, owner, other)
        and _same_domain(cluster, term["topologyKey"], node, host)
        for owner, other, host in (*pairs, *turned)
        for term in _terms(owner, "podAntiAffinity")
    )


def _together(cluster: Cluster, pod: Object, node: Object) -> bool:
    terms, own = _terms(pod, "podAffinity"), labels(node)
    keys = [term["topologyKey"] for term in terms]
    if not all(key in own for key in keys):
        return False
    counts = Counter[tuple[str, str]]()
    for other, host in cluster.placed:
        if all(_means(cluster, term, pod, other) for term in terms):
            marks = cluster.marks(host)
            counts.update((key, marks[key]) for key in keys if key in marks)
    if all(counts[key, own[key]] for key in keys):
        return True
    return not counts and all(_means(cluster, term, pod, pod) for term in terms)


def _even(cluster: Cluster, pod: Object, node: Object) -> bool:
    every = pod["spec"].get("topologySpreadConstraints", [])
    rules = [rule for rule in every if rule["whenUnsatisfiable"] == "DoNotSchedule"]
    keys = [rule["topologyKey"] for rule in rules]
    if not all(key in labels(node) for key in keys):
        return False
    counted = [entry for entry in cluster.nodes if all(key in labels(entry) for key in keys)]
    return all(_keeps_even(cluster, pod, node, rule, counted) for rule in rules)


def _keeps_even(
    cluster: Cluster, pod: Object, node: Object, rule: Object, counted: list[Object]
) -> bool:
    selector, key = _selector(rule, labels(pod)), rule["topologyKey"]
    numbers: dict[str, int] = {}
    for entry in counted:
        if rule.get("nodeAffinityPolicy", "Honor") == "Honor" and not _selected(pod, entry):
            continue
        if rule.get("nodeTaintsPolicy", "Ignore") == "Honor" and not _untainted(pod, entry):
            continue
        value = labels(entry)[key]
        numbers[value] = numbers.get(value, 0) + sum(
            other["metadata"]["namespace"] == pod["metadata"]["namespace"]
            and "deletionTimestamp" not in other["metadata"]
            and _selects(selector, labels(other))
            for other in cluster.on(entry["metadata"]["name"])
        )
    least = min(numbers.values(), default=0)
    if len(numbers) < rule.get("minDomains", 1):
        least = 0
    mine = numbers.get(labels(node)[key], 0) + _selects(selector, labels(pod))
    return bool(mine - least <= rule["maxSkew"])
