"""What each node has left now, kept up to date with every change of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.nodes import read_node
from scheduling.kubernetes.state import ClusterState, Key, Object, is_done, node_of, uid_of
from scheduling.models.placement.eligibility import Eligibility
from scheduling.models.placement.parts import MAX_AMOUNT
from scheduling.models.placement.problem import Item, Node

Needs = Mapping[str, int]
"""Amount by resource, in the library's units."""

Flags = NDArray[np.bool_]

_KEPT_ANSWERS = 256
_BEYOND = MAX_AMOUNT + 1
"""More than any node has; larger requests count as this, so that their sums stay numbers."""

_SPARE = 64
"""Rows that are added when the table is full."""


class Room:
    """Nodes and what the pods on them leave over.

    Objects that cannot be read count as asking for nothing: what they mean is for the scheduler to
    judge, which has looked at them before it asks.

    Parameters
    ----------
    state
        The cluster; its changes are followed.
    """

    def __init__(self, state: ClusterState) -> None:
        self._state = state
        self._lock = state.lock
        self._columns: dict[str, int] = {}
        # Rows of all nodes that pods name, and of those that are there.
        self._rows: dict[str, int] = {}
        self._row_of_node: dict[str, int] = {}
        self._unused: list[int] = []
        self._free = np.zeros((0, 0), np.int64)
        self._nodes: dict[str, Node] = {}
        self._needs: dict[str, Needs] = {}
        self._standing: dict[str, int] = {}
        self._allowed: dict[Any, Flags] = {}
        state.subscribe(self._change)

    def node(self, name: str) -> Node | None:
        """Return a node as placement problems know it."""
        return self._nodes.get(name)

    def needs(self, pod: Object) -> Needs:
        """Return what a pod takes of its node."""
        found = self._needs.get(uid_of(pod))
        return _needs(pod) if found is None else found

    def sum(self, found: Iterable[Object]) -> dict[str, int]:
        """Return what pods take together."""
        total: dict[str, int] = {}
        for pod in found:
            for name, need in self.needs(pod).items():
                total[name] = total.get(name, 0) + need
        return total

    def short(self, needs: Needs, node: str, freed: Needs | None = None) -> list[str]:
        """Return the resources of which a node has not enough left.

        Parameters
        ----------
        needs
            What is asked for.
        node
            Name of a node.
        freed
            What will be free beside what is now.
        """
        freed = freed or {}
        with self._lock:
            row = self._rows.get(node)
            if row is None:
                return list(needs)
            return [
                name
                for name, need in needs.items()
                if need > 0 and self._left(row, name) + freed.get(name, 0) < need
            ]

    def fitting(self, item: Item, needs: Needs, names: Sequence[str]) -> tuple[Flags, Flags]:
        """Return for each name whether such a node is known, and whether the pod fits on it now."""
        with self._lock:
            rows = np.fromiter(map(self._row_of_node.get, names, repeat(-1)), np.int64, len(names))
            fits = self._allows(item).copy()
            for name, need in needs.items():
                if need > 0:
                    column = self._columns.get(name)
                    fits &= False if column is None else self._free[:, column] >= need
            known = rows >= 0
            if not known.any():
                return known, known.copy()
            return known, known & fits[rows]

    def _left(self, row: int, resource: str) -> int:
        column = self._columns.get(resource)
        return 0 if column is None else int(self._free[row, column])

    def _allows(self, item: Item) -> Flags:
        """Nodes that taints, selectors and affinity to nodes leave open, by row."""
        key = (
            tuple(sorted(item.node_selector.items())),
            item.node_affinity,
            item.tolerations,
        )
        if key not in self._allowed:
            if len(self._allowed) >= _KEPT_ANSWERS:
                self._allowed.clear()
            names = list(self._nodes)
            nodes = [self._nodes[name] for name in names]
            flags = np.zeros(len(self._free), bool)
            flags[[self._rows[name] for name in names]] = Eligibility(nodes, [item]).allowed(item)
            self._allowed[key] = flags
        return self._allowed[key]

    def _change(self, kind: str, key: Key, before: Object | None, after: Object | None) -> None:
        if kind == "Pod":
            if before is not None:
                self._take_out(before)
            if after is not None and not is_done(after):
                self._put_in(after)
        elif kind == "Node":
            self._exchange(key[1], _read(after))

    def _put_in(self, pod: Object) -> None:
        needs = self._needs[uid_of(pod)] = _needs(pod)
        node = node_of(pod)
        if node is not None:
            self._standing[node] = self._standing.get(node, 0) + 1
            self._add(node, needs, -1)

    def _take_out(self, pod: Object) -> None:
        needs = self._needs.pop(uid_of(pod), None)
        node = node_of(pod)
        if node is not None and needs is not None:
            self._add(node, needs, 1)
            self._standing[node] -= 1
            self._tidy(node)

    def _exchange(self, name: str, after: Node | None) -> None:
        before = self._nodes.pop(name, None)
        self._row_of_node.pop(name, None)
        if before is not None:
            self._add(name, before.capacity, -1)
        if after is not None:
            self._nodes[name] = after
            self._row_of_node[name] = self._add(name, after.capacity, 1)
        if _face(before) != _face(after):
            self._allowed.clear()
        self._tidy(name)

    def _add(self, node: str, amounts: Needs, sign: int) -> int:
        row = self._rows.get(node)
        if row is None:
            row = self._rows[node] = self._new_row()
        for name, amount in amounts.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = len(self._columns)
                self._grow(len(self._free), len(self._columns))
            self._free[row, column] += sign * amount
        return row

    def _new_row(self) -> int:
        if not self._unused:
            start = len(self._free)
            self._grow(start + max(_SPARE, start), len(self._columns))
            self._unused.extend(range(start, len(self._free)))
            self._allowed.clear()
        return self._unused.pop()

    def _grow(self, rows: int, columns: int) -> None:
        table = np.zeros((rows, columns), np.int64)
        table[: self._free.shape[0], : self._free.shape[1]] = self._free
        self._free = table

    def _tidy(self, node: str) -> None:
        """Give up the row of a node that is gone with all its pods."""
        if node in self._rows and node not in self._nodes and not self._standing.get(node):
            self._standing.pop(node, None)
            row = self._rows.pop(node)
            self._free[row] = 0
            self._unused.append(row)


def as_item(pod: Object, needs: Needs) -> Item:
    """Return a pod as far as nodes look at it: tolerations, selector and affinity to nodes.

    What cannot be read is left out.
    """
    spec = Fields(pod.get("spec") or {}, "Pod.spec")
    name = str((pod.get("metadata") or {}).get("name") or "pod")
    try:
        required, _ = pods.node_affinity(spec.inner("affinity"))
        return Item(
            id=name[:200],
            demands=dict(needs),
            tolerations=tuple(pods.tolerations(spec)),
            node_selector=spec.texts("nodeSelector"),
            node_affinity=required,
        )
    except (InputError, ValueError):
        return Item(id=name[:200])


def _needs(pod: Object) -> Needs:
    try:
        status = Fields(pod.get("status") or {}, "Pod.status")
        found = pods.requests(Fields(pod.get("spec") or {}, "Pod.spec"), status)
        return {name: min(need, _BEYOND) for name, need in found.items()}
    except InputError:
        return {}


def _read(obj: Object | None) -> Node | None:
    if obj is None:
        return None
    try:
        return read_node(Fields(obj, "Node"))
    except (InputError, ValueError):
        return Node(id=obj["metadata"]["name"], capacity={})


def _face(node: Node | None) -> Any:
    return None if node is None else (node.labels, node.taints, node.closed)
