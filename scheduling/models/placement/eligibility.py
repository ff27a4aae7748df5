"""Which nodes an item may go to by itself: taints, selectors, affinity to nodes, volumes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.problem import Item, Node
from scheduling.models.placement.rules import (
    NodeTerm,
    Requirement,
    Selector,
    Spread,
    Taint,
    Toleration,
)

Flags = NDArray[np.bool_]

KEEPING_AWAY = ("NoSchedule", "NoExecute")
"""Effects of taints that bind; the third is only a wish."""

_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
"""Whole numbers as tolerations compare them: without leading zeros."""


class Eligibility:
    """Answers for many items over the same nodes.

    Nodes that agree in taints and in all labels that any item asks for are looked at once.

    Parameters
    ----------
    nodes
        The nodes.
    items
        All items that will be asked about.
    """

    def __init__(self, nodes: Sequence[Node], items: Iterable[Item]) -> None:
        self._nodes = nodes
        self._cache: dict[Any, Flags] = {}
        keys: set[str] = set()
        self._names: set[str] = set()
        for item in items:
            keys.update(item.node_selector)
            keys.update(entry.topology for entry in item.spread)
            for terms in (item.node_affinity, *item.volumes):
                for term in terms:
                    keys.update(entry.key for entry in term.labels)
                    self._names.update((*(term.nodes or ()), *term.excluded))
        groups: dict[Any, list[int]] = {}
        for index, node in enumerate(nodes):
            shown = tuple((key, node.labels[key]) for key in sorted(keys) if key in node.labels)
            own = node.id if node.id in self._names else None
            groups.setdefault((shown, node.taints, node.closed, own), []).append(index)
        self._groups = [(nodes[rows[0]], np.array(rows)) for rows in groups.values()]

    def allowed(self, item: Item, *, taints: bool = True) -> Flags:
        """Return for each node whether the item may go there.

        Parameters
        ----------
        item
            The item.
        taints
            Whether taints, cordons and volumes count, or only the node selector and affinity.
        """
        key = (
            tuple(sorted(item.node_selector.items())),
            item.node_affinity,
            item.volumes if taints else (),
            item.tolerations if taints else None,
        )
        return self._found(key, lambda n: _selected(item, n) and (not taints or _open(item, n)))

    def counted(self, item: Item, spread: Spread) -> Flags:
        """Return for each node whether its items count for a spread constraint of an item."""
        selected, open_ones = spread.honor_affinity, spread.honor_taints
        labels = tuple(sorted({entry.topology for entry in item.spread}))
        key = (
            "counted",
            labels,
            (tuple(sorted(item.node_selector.items())), item.node_affinity) if selected else None,
            item.tolerations if open_ones else None,
        )
        return self._found(
            key,
            lambda n: (
                all(label in n.labels for label in labels)
                and (not selected or _selected(item, n))
                and (not open_ones or _untainted(item, n))
            ),
        )

    def _found(self, key: Any, test: Callable[[Node], bool]) -> Flags:
        if key not in self._cache:
            found = np.zeros(len(self._nodes), bool)
            for node, rows in self._groups:
                found[rows] = test(node)
            self._cache[key] = found
        return self._cache[key]


def _selected(item: Item, node: Node) -> bool:
    if any(node.labels.get(key) != value for key, value in item.node_selector.items()):
        return False
    return not item.node_affinity or any_term(item.node_affinity, node)


def _open(item: Item, node: Node) -> bool:
    return _untainted(item, node) and all(any_term(terms, node) for terms in item.volumes)


def _untainted(item: Item, node: Node) -> bool:
    if node.closed:
        return False
    kept = (taint for taint in node.taints if taint.effect in KEEPING_AWAY)
    return all(tolerates(item.tolerations, taint) for taint in kept)


def tolerates(tolerations: Sequence[Toleration], taint: Taint) -> bool:
    """Tell whether one of the tolerations covers a taint."""
    return any(_covers(entry, taint) for entry in tolerations)


def _covers(entry: Toleration, taint: Taint) -> bool:
    if entry.effect not in (None, taint.effect):
        return False
    if entry.operator == "Exists":
        return entry.key in (None, taint.key)
    if entry.key != taint.key:
        return False
    if entry.operator == "Equal":
        return entry.value == taint.value
    if not (_WHOLE.fullmatch(entry.value) and _WHOLE.fullmatch(taint.value)):
        return False
    limit, value = int(entry.value), int(taint.value)
    return value > limit if entry.operator == "Gt" else value < limit


def any_term(terms: Iterable[NodeTerm], node: Node) -> bool:
    """Tell whether a node meets one of the terms."""
    return any(_meets(term, node) for term in terms)


def _meets(term: NodeTerm, node: Node) -> bool:
    named = term.nodes is None or node.id in term.nodes
    return (
        named
        and node.id not in term.excluded
        and all(holds(entry, node.labels) for entry in term.labels)
    )


def holds(requirement: Requirement, labels: dict[str, str]) -> bool:
    """Tell whether labels meet a requirement; ``Gt`` and ``Lt`` need a whole number."""
    operator, value = requirement.operator, labels.get(requirement.key)
    if operator in ("NotIn", "DoesNotExist"):
        return value is None or (operator == "NotIn" and value not in requirement.values)
    if value is None:
        return False
    if operator == "Exists":
        return True
    if operator == "In":
        return value in requirement.values
    limit = int(requirement.values[0])
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return False
    return int(value) > limit if operator == "Gt" else int(value) < limit


def selects(selector: Selector, labels: dict[str, str]) -> bool:
    """Tell whether a selector means an item with these labels."""
    exact = all(labels.get(key) == value for key, value in selector.match.items())
    return exact and all(holds(entry, labels) for entry in selector.requirements)
