"""The dense form of parts of nodes: parts, what classes take of them, and numbers of places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NONE = np.empty(0, np.int64)

Uses = tuple[tuple[int, int], ...]
"""Parts taken, with the option of each, by the number of the part."""


class Places:
    """Places by number: nodes, and nodes with the parts that an item takes there.

    The numbers below the number of nodes are the nodes themselves, without parts. A node with
    parts gets a number when it is first asked for; equal places have equal numbers. Numbers are of
    use as names only: their order means nothing.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    """

    def __init__(self, n_nodes: int) -> None:
        self._n_nodes = n_nodes
        self._number: dict[tuple[int, Uses], int] = {}
        self._node: list[int] = []
        self._uses: list[Uses] = []
        self._lock = Lock()

    def number(self, node: int, uses: Iterable[tuple[int, int]]) -> int:
        """Return the number of a node with some of its parts, in any order."""
        key = node, tuple(sorted(uses))
        if not key[1]:
            return node
        with self._lock:
            if key not in self._number:
                self._node.append(node)
                self._uses.append(key[1])
                self._number[key] = self._n_nodes + len(self._node) - 1
            return self._number[key]

    def node(self, place: int) -> int:
        """Return the node of a place."""
        return place if place < self._n_nodes else self._node[place - self._n_nodes]

    def uses(self, place: int) -> Uses:
        """Return the parts taken at a place, by rising number."""
        return () if place < self._n_nodes else self._uses[place - self._n_nodes]

    def nodes(self, places: Ints) -> Ints:
        """Return the node of each place; what is nowhere stays so."""
        inside = places >= self._n_nodes
        if not inside.any():
            return places
        found = places.copy()
        table = np.array(self._node, np.int64)
        found[inside] = table[places[inside] - self._n_nodes]
        return found


@dataclass(frozen=True, eq=False)
class ShareArrays:
    """What one class takes of the parts of one kind.

    Attributes
    ----------
    kind : kind of the parts.
    count : number of different parts.
    need : (O, Q) what each option takes.
    parts : the parts of the kind, by rising number.
    open_to : (parts, O) whether an arrival may take an option of a part that is empty.
    """

    kind: str
    count: int
    need: Ints
    parts: Ints
    open_to: Flags


@dataclass(frozen=True, eq=False)
class PartDomains:
    """Domains inside nodes.

    Attributes
    ----------
    of : (P,) domain of each part, or -1.
    node : node of each domain.
    """

    of: Ints
    node: Ints

    @cached_property
    def by_node(self) -> dict[int, list[int]]:
        """Domains of each node that has any."""
        found: dict[int, list[int]] = {}
        for domain, node in enumerate(self.node.tolist()):
            found.setdefault(node, []).append(domain)
        return found


@dataclass(frozen=True, eq=False)
class PartArrays:
    """Parts of all nodes, ``P`` of them with ``Q`` resources, and shares by class.

    Only kinds that items share, or that the objective looks at, are here.

    Attributes
    ----------
    n_nodes : number of nodes.
    ids, node, kind : (P,) name, node and kind of each part.
    resources : first column of each resource by name; it has one for each moment.
    n_moments : number of moments.
    stated : (P, Q) capacity as stated.
    capacity : (P, Q) what may be taken; what is overcommitted now may stay.
    shares : for each class, what it takes; empty: no parts.
    domains : for each class, the domains of which it takes all its parts of one.
    """

    n_nodes: int
    ids: tuple[str, ...]
    node: Ints
    kind: tuple[str, ...]
    resources: dict[str, int]
    n_moments: int
    stated: Ints
    capacity: Ints
    shares: tuple[tuple[ShareArrays, ...], ...]
    domains: tuple[PartDomains, ...]

    @cached_property
    def index(self) -> dict[tuple[int, str], int]:
        """Number of each part by its node and name."""
        pairs = zip(self.node.tolist(), self.ids, strict=True)
        return {pair: number for number, pair in enumerate(pairs)}

    def columns(self, resource: str) -> Ints:
        """Return the columns of a resource, one for each moment."""
        first = self.resources[resource]
        return np.arange(first, first + self.n_moments)

    def need(self, k: int, part: int, option: int) -> Ints:
        """Return what an option takes of a part, for a class that shares parts of its kind."""
        for share in self.shares[k]:
            if share.kind == self.kind[part]:
                needed: Ints = share.need[option]
                return needed
        raise KeyError(part)

    def add(self, table: Ints, k: int, uses: Uses, count: int) -> None:
        """Add what ``count`` items of a class take at a place to a table (P, Q)."""
        for part, option in uses:
            table[part] += count * self.need(k, part, option)

    def rows(self, share: ShareArrays, domains: PartDomains, domain: int) -> Ints:
        """Return which of the parts of a share, by their place in it, are in a domain."""
        key = id(share), id(domains)
        if key not in self._rows:
            of = domains.of[share.parts]
            order = np.argsort(of, kind="stable")
            values, first = np.unique(of[order], return_index=True)
            groups = np.split(order, first[1:])
            self._rows[key] = dict(zip(values.tolist(), groups, strict=True))
        return self._rows[key].get(domain, _NONE)

    @cached_property
    def _rows(self) -> dict[tuple[int, int], dict[int, Ints]]:
        return {}

    def nodes_with_room(self, k: int, free: Ints) -> Flags:
        """Return for each node whether one more item of a class fits into its parts.

        Parameters
        ----------
        k
            Class.
        free
            (P, Q) what is free on each part.
        """
        found = np.zeros(self.n_nodes, bool)
        found[self.domains[k].node[self.domains_with_room(k, free)]] = True
        return found

    def domains_with_room(self, k: int, free: Ints) -> Flags:
        """Return for each domain of a class whether one more item fits into its parts."""
        domains = self.domains[k]
        fits = np.ones(len(domains.node), bool)
        for share in self.shares[k]:
            free_to = self.fitting(share, free).any(axis=1)
            of = domains.of[share.parts[free_to]]
            fits &= np.bincount(of[of >= 0], minlength=len(fits)) >= share.count
        return fits

    def choose(self, k: int, node: int, free: Ints, *, tight: bool) -> Uses | None:
        """Choose parts of a node for one more item of a class.

        Parameters
        ----------
        k, node
            Class and node.
        free
            (P, Q) what is free on each part.
        tight
            Take the parts that have least left, those of one domain that has least left; else the
            first that fit.

        Returns
        -------
        tuple or None
            ``None`` where nothing fits.
        """
        domains = self.domains[k]
        best: tuple[float, Uses] | None = None
        for domain in domains.by_node.get(node, ()):
            found = self._choose(k, domain, free, tight)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
                if not tight:
                    break
        return None if best is None else best[1]

    def _choose(self, k: int, domain: int, free: Ints, tight: bool) -> tuple[float, Uses] | None:
        uses: list[tuple[int, int]] = []
        total = 0.0
        for share in self.shares[k]:
            rows = self.rows(share, self.domains[k], domain)
            fits = self.fitting(share, free, rows)
            rows, fits = rows[fits.any(axis=1)], fits[fits.any(axis=1)]
            if len(rows) < share.count:
                return None
            parts = share.parts[rows]
            left = (free[parts] / np.maximum(self.capacity[parts], 1)).sum(axis=1)
            order = np.argsort(left, kind="stable") if tight else np.arange(len(rows))
            chosen = order[: share.count]
            total += float(left.sum())
            options = fits[chosen].argmax(axis=1)
            uses.extend(zip(parts[chosen].tolist(), options.tolist(), strict=True))
        return total, tuple(uses)

    def fitting(self, share: ShareArrays, free: Ints, rows: Ints | None = None) -> Flags:
        """Return which options fit into what is free, of all parts of a share or of some rows."""
        parts = share.parts if rows is None else share.parts[rows]
        open_to = share.open_to if rows is None else share.open_to[rows]
        fits: Flags = open_to & np.all(free[parts][:, None, :] >= share.need, axis=2)
        return fits


@dataclass(frozen=True, eq=False)
class FragmentArrays:
    """What the goal ``fragments`` measures.

    Attributes
    ----------
    unit : multiples of it are of use.
    capacity : capacity of each node, or of each part of ``parts``.
    need : (K,) what an item of each class takes of its node.
    parts : parts that count; ``None``: whole nodes.
    column : resource of the parts.
    """

    unit: int
    capacity: Ints
    need: Ints
    parts: Ints | None
    column: int
