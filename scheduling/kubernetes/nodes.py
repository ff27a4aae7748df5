"""Nodes of a cluster: room, labels, taints, and the taints that their conditions stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.models.placement.problem import Node
from scheduling.models.placement.rules import Taint

CORDON = "node.kubernetes.io/unschedulable"

_CONDITIONS = {
    ("Ready", "False"): "not-ready",
    ("Ready", "Unknown"): "unreachable",
    ("MemoryPressure", "True"): "memory-pressure",
    ("DiskPressure", "True"): "disk-pressure",
    ("PIDPressure", "True"): "pid-pressure",
    ("NetworkUnavailable", "True"): "network-unavailable",
}
"""Conditions for which the node controller sets a taint (Kubernetes, "Taints and Tolerations")."""


def read_node(entry: Fields, extra: Mapping[str, int] | None = None) -> Node:
    """Return a node.

    A cordon and bad conditions count as the taints that the node controller sets for them, whether
    it did so already or not: only pods that tolerate these taints may come.

    Parameters
    ----------
    entry
        The node.
    extra
        Room for resources that the node does not list itself.
    """
    status = entry.inner("status")
    allocatable = status.inner("allocatable")
    room = allocatable if allocatable.all() else status.inner("capacity")
    capacity = {name: room.amount(name) for name in room.all()}
    taints = dict.fromkeys((*_written(entry), *_implied(entry)))
    return Node(
        id=entry.inner("metadata").text("name"),
        capacity={**capacity, **(extra or {})},
        labels=entry.inner("metadata").texts("labels"),
        taints=tuple(taints),
    )


def _written(entry: Fields) -> Iterator[Taint]:
    for taint in entry.inner("spec").entries("taints"):
        yield Taint(
            key=taint.text("key"),
            value=taint.text("value", ""),
            effect=taint.choice("effect", pods.EFFECTS, "NoSchedule"),
        )


def _implied(entry: Fields) -> Iterator[Taint]:
    if entry.inner("spec").flag("unschedulable"):
        yield Taint(key=CORDON)
    for condition in entry.inner("status").entries("conditions"):
        state = condition.text("type", ""), condition.text("status", "")
        if state in _CONDITIONS:
            yield Taint(key=f"node.kubernetes.io/{_CONDITIONS[state]}")
