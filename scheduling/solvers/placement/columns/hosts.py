"""Nodes as patterns see them: groups of equal nodes in equal state, and ways to stand there.

A way is a class of items with the parts that one of them takes of a node (none, where classes take
no parts). What stands on a node is then a number for each way, and all that a node's capacities and
the goals need of it is the sum of the ways' needs, a cell of a grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import gcd, prod

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays
from scheduling.models.placement.part_arrays import ShareArrays, Uses

MAX_WAYS = 500
"""Most ways on one node."""

LocalUses = tuple[tuple[int, int], ...]
"""Parts taken, by their place among the parts of their node, with the option of each."""


class TooLargeError(Exception):
    """Patterns of a node are too many; the message says why."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What equal nodes have in common: room and ways.

    Attributes
    ----------
    of_class : (W,) class of each way.
    uses : parts that each way takes.
    need : (W, D) what each way takes of each dimension, in units of the grid.
    sizes : (D,) number of values of each dimension of the grid.
    open_to : (W,) whether an item may arrive in a way.
    measured : dimension (-1: none, nothing is taken) and capacity of each piece that the goal
        ``fragments`` measures.
    scale : (D,) amount of one unit of the grid.
    fragments, slots : (cells,) value of the goal ``fragments`` by cell, and how many whole units
        are free.
    cost : cost of the node in use.
    """

    of_class: Ints
    uses: tuple[LocalUses, ...]
    need: Ints
    sizes: Ints
    open_to: Flags
    measured: tuple[tuple[int, int], ...]
    scale: Ints
    fragments: Ints
    slots: Ints
    cost: int

    @property
    def keys(self) -> list[tuple[int, LocalUses]]:
        """Class and parts of each way."""
        return list(zip(self.of_class.tolist(), self.uses, strict=True))

    @cached_property
    def strides(self) -> Ints:
        """Distance of two cells that differ by one in a dimension."""
        return np.concatenate([np.cumprod(self.sizes[:0:-1])[::-1], [1]]).astype(np.int64)

    @cached_property
    def offset(self) -> Ints:
        """(W,) distance of the cells before and after an item of a way arrives."""
        found: Ints = self.need @ self.strides
        return found

    @cached_property
    def reach(self) -> Flags:
        """(W, cells) whether a cell has room for an item of a way."""
        cells = np.indices(tuple(self.sizes.tolist())).reshape(len(self.sizes), -1)
        found: Flags = np.all(cells[None, :, :] >= self.need[:, :, None], axis=1)
        return found

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.fragments)


@dataclass(frozen=True, eq=False)
class Group:
    """Equal nodes in equal state.

    Attributes
    ----------
    shape : what they have in common with others.
    nodes : the nodes.
    now, held : (W,) how many stand there in each way now, and how many of them must stay.
    """

    shape: Shape
    nodes: tuple[int, ...]
    now: Ints
    held: Ints


@dataclass(frozen=True, eq=False)
class _Node:
    """A node on its way into a group."""

    number: int
    capacity: tuple[int, ...]
    stated: tuple[int, ...]
    kinds: tuple[object, ...]
    now: dict[tuple[int, LocalUses], int]
    held: dict[tuple[int, LocalUses], int]


class Hosts:
    """All nodes of a problem in groups.

    Parameters
    ----------
    arrays
        The problem; all its items run.
    own
        Number of the resources of nodes, the first columns of the arrays' demands; those behind
        are sums over parts, which say nothing that the parts do not.
    most
        Most cells of one shape.

    Raises
    ------
    TooLargeError
        When a node has too many cells or ways.
    """

    def __init__(self, arrays: PlacementArrays, own: int, most: int) -> None:
        self.arrays = arrays
        self._own, self._most = own, most
        parts = arrays.parts
        self._parts: list[list[int]] = [[] for _ in range(arrays.n_nodes)]
        self._local: dict[int, int] = {}
        for part, node in enumerate(parts.node.tolist()):
            self._local[part] = len(self._parts[node])
            self._parts[node].append(part)
        self._width = parts.capacity.shape[1] if len(parts.ids) else 0
        self._domains = list({id(entry): entry for entry in parts.domains}.values())
        shares = {id(share): share for row in parts.shares for share in row}
        self._open = [_open_options(share, len(parts.ids)) for share in shares.values()]
        measure = arrays.fragment
        inside = None if measure is None else measure.parts
        self._counted = frozenset(() if inside is None else inside.tolist())
        self._shapes: dict[object, Shape] = {}
        self.groups = self._groups()

    def place(self, node: int, uses: LocalUses) -> int:
        """Return the place that a way stands for on a node."""
        own = self._parts[node]
        return self.arrays.places.number(node, [(own[part], option) for part, option in uses])

    def _groups(self) -> list[Group]:
        states = self._states()
        found: dict[object, tuple[Shape, list[int], Ints, Ints]] = {}
        for node in range(self.arrays.n_nodes):
            entry = self._describe(node, *states[node])
            shape = self._shape(entry)
            index = {key: way for way, key in enumerate(shape.keys)}
            now, held = (np.zeros(len(shape.uses), np.int64) for _ in range(2))
            for table, counts in ((now, entry.now), (held, entry.held)):
                for key, count in counts.items():
                    table[index[key]] = count
            name = (id(shape), now.tobytes(), held.tobytes())
            found.setdefault(name, (shape, [], now, held))[1].append(node)
        return [Group(shape, tuple(nodes), now, held) for shape, nodes, now, held in found.values()]

    def _states(
        self,
    ) -> list[tuple[dict[tuple[int, LocalUses], int], dict[tuple[int, LocalUses], int]]]:
        """Count what stands on each node in each way, and what of it must stay."""
        arrays = self.arrays
        found: list[tuple[dict[tuple[int, LocalUses], int], dict[tuple[int, LocalUses], int]]] = [
            ({}, {}) for _ in range(arrays.n_nodes)
        ]
        for item, place in enumerate(arrays.now.tolist()):
            key = int(arrays.of_class[item]), self.locally(arrays.places.uses(place))
            now, held = found[arrays.places.node(place)]
            now[key] = now.get(key, 0) + 1
            if arrays.pinned[item]:
                held[key] = held.get(key, 0) + 1
        return found

    def locally(self, uses: Uses) -> LocalUses:
        """Return parts by their place among the parts of their node."""
        return tuple((self._local[part], option) for part, option in uses)

    def _describe(
        self,
        node: int,
        now: dict[tuple[int, LocalUses], int],
        held: dict[tuple[int, LocalUses], int],
    ) -> _Node:
        arrays, own = self.arrays, self._parts[node]
        room = [*arrays.capacity[node, : self._own].tolist()]
        room += arrays.parts.capacity[own].ravel().tolist()
        stated: list[int] = []
        measure = arrays.fragment
        if measure is not None and measure.parts is None:
            stated = [int(measure.capacity[node])]
        elif measure is not None:
            stated = [
                int(arrays.parts.stated[part, measure.column]) if part in self._counted else -1
                for part in own
            ]
        kinds = (
            tuple(arrays.parts.kind[part] for part in own),
            tuple(self._inside(domains.of[own]) for domains in self._domains),
            tuple(rows[own].tobytes() for rows in self._open),
            arrays.eligible[:, node].tobytes(),
            int(arrays.node_cost[node]),
        )
        return _Node(node, tuple(room), tuple(stated), kinds, now, held)

    @staticmethod
    def _inside(domains: Ints) -> tuple[int, ...]:
        """Return the domains inside a node counted from 0, so that equal nodes look alike."""
        names: dict[int, int] = {-1: -1}
        return tuple(names.setdefault(domain, len(names) - 1) for domain in domains.tolist())

    def _shape(self, entry: _Node) -> Shape:
        present = tuple(sorted(entry.now))
        base = (entry.capacity, entry.stated, entry.kinds)
        arriving = self._shapes.get((base, None))
        if arriving is None:
            arriving = self._build(entry, self._arrivals(entry.number), ())
            self._shapes[base, None] = arriving
        known = set(arriving.keys)
        extra = tuple(key for key in present if key not in known)
        if not extra:
            return arriving
        if (base, extra) not in self._shapes:
            self._shapes[base, extra] = self._build(entry, arriving.keys, extra)
        return self._shapes[base, extra]

    def _arrivals(self, node: int) -> list[tuple[int, LocalUses]]:
        """List the ways in which items may arrive on a node."""
        arrays = self.arrays
        found: list[tuple[int, LocalUses]] = []
        for k in np.flatnonzero(arrays.eligible[:, node]).tolist():
            for uses in self._choices(k, node):
                found.append((k, self.locally(uses)))
                if len(found) > MAX_WAYS:
                    raise TooLargeError(f"items may stand on a node in more than {MAX_WAYS} ways")
        return found

    def _choices(self, k: int, node: int) -> list[Uses]:
        parts = self.arrays.parts
        if not parts.shares[k]:
            return [()]
        domains = parts.domains[k]
        found: dict[Uses, None] = {}
        for domain in domains.by_node.get(node, ()):
            ways = []
            for share in parts.shares[k]:
                rows = parts.rows(share, domains, domain)
                free = [
                    [(int(share.parts[row]), int(o)) for o in np.flatnonzero(share.open_to[row])]
                    for row in rows.tolist()
                ]
                chosen = [
                    pick
                    for group in combinations([options for options in free if options], share.count)
                    for pick in product(*group)
                ]
                if len(chosen) > MAX_WAYS:
                    raise TooLargeError(f"an item may take more than {MAX_WAYS} sets of parts")
                ways.append(chosen)
            for picks in product(*ways):
                found[tuple(sorted(use for pick in picks for use in pick))] = None
                if len(found) > MAX_WAYS:
                    raise TooLargeError(f"an item may take more than {MAX_WAYS} sets of parts")
        return list(found)

    def _build(
        self,
        entry: _Node,
        arriving: list[tuple[int, LocalUses]],
        staying: tuple[tuple[int, LocalUses], ...],
    ) -> Shape:
        keys = [*arriving, *staying]
        need = np.array([self._needs(k, uses, entry.number) for k, uses in keys], np.int64)
        need = need.reshape(len(keys), len(entry.capacity))
        room = np.array(entry.capacity, np.int64)
        measured = self._measured(entry)
        kept = _binding(need, room, [dim for dim, _ in measured])
        scale = np.array([gcd(*need[:, dim].tolist(), 0) or 1 for dim in kept], np.int64)
        sizes = room[kept] // scale + 1 if kept else np.ones(1, np.int64)
        scaled = need[:, kept] // scale if kept else np.zeros((len(keys), 1), np.int64)
        cells = prod(int(size) for size in sizes)
        if cells > self._most:
            raise TooLargeError(f"what is taken of a node has {cells} values, above {self._most}")
        if keys and not scaled.any(axis=1).all():
            raise TooLargeError("items that take nothing may stand anywhere in any number")
        fragments, slots = self._free(measured, kept, scale, sizes)
        open_to = np.arange(len(keys)) < len(arriving)
        return Shape(
            of_class=np.array([k for k, _ in keys], np.int64),
            uses=tuple(uses for _, uses in keys),
            need=scaled,
            sizes=sizes,
            open_to=open_to,
            measured=tuple((kept.index(d) if d in kept else -1, room) for d, room in measured),
            scale=scale,
            fragments=fragments,
            slots=slots,
            cost=int(self.arrays.node_cost[entry.number]),
        )

    def _needs(self, k: int, uses: LocalUses, node: int) -> Ints:
        """Return what one item of a way takes: of the node, then of each of its parts."""
        arrays, own = self.arrays, self._parts[node]
        inside = np.zeros((len(own), self._width), np.int64)
        for part, option in uses:
            inside[part] += arrays.parts.need(k, own[part], option)
        return np.concatenate([arrays.demand[k, : self._own], inside.ravel()])

    def _measured(self, entry: _Node) -> list[tuple[int, int]]:
        """Return pairs of a dimension that the goal ``fragments`` measures and its capacity."""
        measure = self.arrays.fragment
        if measure is None:
            return []
        if measure.parts is None:
            same = np.all(self.arrays.demand[:, : self._own] == measure.need[:, None], axis=0)
            column = int(np.argmax(same)) if same.any() else -1
            return [(column, entry.stated[0])]
        columns = (self._own + i * self._width + measure.column for i in range(len(entry.stated)))
        return [pair for pair in zip(columns, entry.stated, strict=True) if pair[1] >= 0]

    def _free(
        self, measured: list[tuple[int, int]], kept: list[int], scale: Ints, sizes: Ints
    ) -> tuple[Ints, Ints]:
        """Return what is free in pieces below the unit, and in whole units, by cell."""
        shape = tuple(sizes.tolist())
        pieces, units = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        measure = self.arrays.fragment
        unit = 1 if measure is None else measure.unit
        for dim, capacity in measured:
            if dim in kept:
                axis = kept.index(dim)
                used = (np.arange(sizes[axis]) * scale[axis]).reshape(
                    [-1 if i == axis else 1 for i in range(len(sizes))]
                )
            else:
                used = np.zeros([1] * len(sizes), np.int64)
            free = np.maximum(capacity - used, 0)
            pieces += free % unit
            units += free // unit
        return pieces.ravel(), units.ravel()


def _open_options(share: ShareArrays, parts: int) -> Ints:
    """Return for every part which options of a share arrivals may take, as a number of bits."""
    found = np.zeros(parts, np.int64)
    found[share.parts] = share.open_to @ (1 << np.arange(share.open_to.shape[1]))
    return found


def _binding(need: Ints, room: Ints, measured: list[int]) -> list[int]:
    """Return the dimensions that are needed: measured ones, and those that no other implies.

    Dimension r is implied by s when every way takes at most as large a share of r as of s.
    """
    kept = [dim for dim in range(len(room)) if need[:, dim].any()]
    for dim in list(kept):
        others = (other for other in kept if other != dim)
        if dim not in measured and any(_implies(need, room, other, dim) for other in others):
            kept.remove(dim)
    return kept


def _implies(need: Ints, room: Ints, first: int, second: int) -> bool:
    """Tell whether what keeps to the first dimension keeps to the second."""
    if room[first] == 0:
        return False
    # Whole numbers of Python: products of two amounts exceed 64 bits.
    have, want = int(room[second]), int(room[first])
    pairs = zip(need[:, first].tolist(), need[:, second].tolist(), strict=True)
    return all(b * want <= a * have for a, b in pairs)
