"""The wire types of kube-scheduler's extender API: Go field names, ``null`` for what is absent.

Source: ``k8s.io/kube-scheduler/extender/v1/types.go``. Unknown fields are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.errors import InputError
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.state import Object

MAX_SCORE = 10
"""``MaxExtenderPriority``."""


@dataclass(frozen=True, slots=True)
class FilterArgs:
    """``ExtenderArgs`` of filter and prioritize.

    Attributes
    ----------
    pod
        The pod.
    names
        Names of the nodes offered.
    nodes
        The nodes themselves where the scheduler sends them (``nodeCacheCapable: false``).
    """

    pod: Object
    names: list[str]
    nodes: list[Object] | None


@dataclass(frozen=True, slots=True)
class PreemptArgs:
    """``ExtenderPreemptionArgs``: the pod, and for each node its victims, in one of two forms."""

    pod: Object
    nodes: dict[str, Any]
    full: bool

    def victims(self, node: str) -> tuple[list[str], int]:
        """Return the UIDs of a node's victims, and how many budgets are broken.

        Thousands of nodes may be named, and one of them is looked at.

        Raises
        ------
        InputError
            When they are not written as victims are.
        """
        top = Fields(self.nodes[node] or {}, f"victims of {node!r}")
        if self.full:
            uids = [pod.inner("metadata").text("uid") for pod in top.entries("Pods")]
        else:
            uids = [pod.text("UID") for pod in top.entries("Pods")]
        return uids, top.number("NumPDBViolations", 0)


@dataclass(frozen=True, slots=True)
class BindArgs:
    """``ExtenderBindingArgs``."""

    namespace: str
    name: str
    uid: str
    node: str


def read_filter(data: Any) -> FilterArgs:
    """Read ``ExtenderArgs``.

    Raises
    ------
    InputError
        When it has no pod, or neither nodes nor names of nodes.
    """
    top = Fields(data, "ExtenderArgs")
    pod = _pod(top)
    if "Nodes" in top:
        items = top.inner("Nodes").value("items")
        items = [] if items is None else items
        if not isinstance(items, list):
            raise InputError.single("ExtenderArgs.Nodes.items", repr(items)[:80], "a list")
        return FilterArgs(pod, [_name(item, k) for k, item in enumerate(items)], items)
    names = top.value("NodeNames")
    if not isinstance(names, list) or not {str}.issuperset(map(type, names)):
        raise InputError.single("ExtenderArgs.NodeNames", repr(names)[:80], "a list of names")
    return FilterArgs(pod, names, None)


def read_preempt(data: Any) -> PreemptArgs:
    """Read ``ExtenderPreemptionArgs``.

    Raises
    ------
    InputError
        When it has no pod, or victims in none of the two forms.
    """
    top = Fields(data, "ExtenderPreemptionArgs")
    pod = _pod(top)
    full = "NodeNameToVictims" in top
    field = "NodeNameToVictims" if full else "NodeNameToMetaVictims"
    found = top.value(field)
    if not isinstance(found, dict):
        raise InputError.single(top.at(field), repr(found)[:80], "a mapping from nodes to victims")
    return PreemptArgs(pod, found, full)


def read_bind(data: Any) -> BindArgs:
    """Read ``ExtenderBindingArgs``.

    Raises
    ------
    InputError
        When a name is missing.
    """
    top = Fields(data, "ExtenderBindingArgs")
    return BindArgs(
        namespace=top.text("PodNamespace", "") or "default",
        name=top.text("PodName"),
        uid=top.text("PodUID", ""),
        node=top.text("Node"),
    )


def filter_result(
    args: FilterArgs, kept: Sequence[str], unresolvable: Mapping[str, str], error: str = ""
) -> dict[str, Any]:
    """Build ``ExtenderFilterResult`` in the form that was asked in.

    Nodes that are not kept are unresolvable: among ``FailedNodes`` the scheduler would look for
    pods to evict, and fail on nodes where none has to go.
    """
    nodes = None
    if args.nodes is not None:
        wanted = set(kept)
        items = [item for name, item in zip(args.names, args.nodes, strict=True) if name in wanted]
        nodes = {"metadata": {}, "items": items}
    return {
        "Nodes": nodes,
        "NodeNames": list(kept) if nodes is None else None,
        "FailedNodes": {},
        "FailedAndUnresolvableNodes": unresolvable,
        "Error": error,
    }


def preempt_result(node: str | None, uids: Sequence[str], violations: int) -> dict[str, Any]:
    """Build ``ExtenderPreemptionResult``; no node: nothing may be evicted."""
    if node is None or not uids:
        return {"NodeNameToMetaVictims": {}}
    victims = {"Pods": [{"UID": uid} for uid in uids], "NumPDBViolations": violations}
    return {"NodeNameToMetaVictims": {node: victims}}


def priorities(names: Sequence[str], best: str | None) -> list[dict[str, Any]]:
    """Build ``HostPriorityList``: the best node has the highest score, all others none."""
    return [{"Host": name, "Score": MAX_SCORE if name == best else 0} for name in names]


def bind_result(error: str = "") -> dict[str, Any]:
    """Build ``ExtenderBindingResult``."""
    return {"Error": error}


def _pod(top: Fields) -> Object:
    if "Pod" not in top:
        raise InputError.single(top.at("Pod"), "nothing", "a pod")
    pod = top.inner("Pod")
    meta = pod.inner("metadata")
    meta.text("name")
    meta.text("namespace", "")
    meta.text("uid", "")
    list(meta.entries("ownerReferences"))
    pod.inner("spec")
    return pod.all()


def _name(item: Any, index: int) -> str:
    return Fields(item, f"ExtenderArgs.Nodes.items[{index}]").inner("metadata").text("name")
