"""Expected fragmentation in arrays: what requests cannot use of what is free on nodes.

The measure is that of Weng et al., Beware of Fragmentation (ATC 2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.eligibility import any_term
from scheduling.models.placement.measures import Typical, Workload
from scheduling.models.placement.part_arrays import PartArrays
from scheduling.models.placement.problem import Item, Node, PlacementProblem

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ABSENT = -1
"""Stands for a slot without a part, and for requests that ask for no part of a kind."""


@dataclass(frozen=True, eq=False)
class RequestShare:
    """What a request takes of parts: on ``count`` parts of a kind one of the options, (O, Q)."""

    kind: str
    count: int
    options: Ints


@dataclass(frozen=True, eq=False)
class Request:
    """A typical request.

    Attributes
    ----------
    weight : how often it comes.
    allowed : (m,) whether its terms allow a node.
    need : (N,) what it takes of its node.
    shares : what it takes of parts.
    least : what it asks of one part, at least; 0 where it asks for nothing of the resource.
    """

    weight: int
    allowed: Flags
    need: Ints
    shares: tuple[RequestShare, ...]
    least: int


@dataclass(frozen=True, eq=False)
class WorkloadArrays:
    """A workload over nodes with ``N`` resources and at most ``S`` parts.

    Attributes
    ----------
    capacity : (m, N) of the resources that matter.
    need : (K, N) what an item of each class takes of its node.
    slots : (m, S) parts of each node, or ``ABSENT``.
    kinds : (P,) kind of each part.
    column : column of the resource, of nodes or of parts.
    kind : kind of parts that counts; ``None``: whole nodes.
    stated : (P, Q) capacity of parts.
    requests : the requests.
    """

    capacity: Ints
    need: Ints
    slots: Ints
    kinds: NDArray[np.object_]
    column: int
    kind: str | None
    stated: Ints
    requests: tuple[Request, ...]

    @property
    def weight(self) -> int:
        """Sum of the weights."""
        return sum(request.weight for request in self.requests)

    @property
    def room(self) -> int:
        """Sum of the resource over all that counts."""
        if self.kind is None:
            return int(self.capacity[:, self.column].sum())
        return int(self.stated[self.kinds == self.kind, self.column].sum())

    def of_kind(self, nodes: Ints, kind: str) -> Flags:
        """Tell which slots of nodes are parts of a kind, (nodes, S)."""
        slots = self.slots[nodes]
        found: Flags = (slots != ABSENT) & (self.kinds[slots] == kind)
        return found

    def parts_of(self, nodes: Ints, part_free: Ints) -> Ints:
        """Return what is free in the slots of nodes, (nodes, S, Q)."""
        slots = self.slots[nodes]
        return np.where((slots != ABSENT)[:, :, None], part_free[slots], 0)

    def lost(self, nodes: Ints, free: Ints, parts: Ints) -> Ints:
        """Return what requests cannot use on nodes, by weight.

        Parameters
        ----------
        nodes
            (B,) nodes; they may come up several times.
        free
            (B, N) what is free on them.
        parts
            (B, S, Q) what is free of their parts.
        """
        free, parts = np.maximum(free, 0), np.maximum(parts, 0)
        if self.kind is None:
            pieces = np.zeros((len(nodes), 0), np.int64)
            total = free[:, self.column]
        else:
            pieces = np.where(self.of_kind(nodes, self.kind), parts[:, :, self.column], 0)
            total = pieces.sum(axis=1)
        found = np.zeros(len(nodes), np.int64)
        for request in self.requests:
            runs = request.allowed[nodes] & np.all(free >= request.need, axis=1)
            for share in request.shares:
                room = np.all(parts[:, :, None, :] >= share.options, axis=3).any(axis=2)
                fits = self.of_kind(nodes, share.kind) & room
                runs &= fits.sum(axis=1) >= share.count
            small = np.where(pieces < request.least, pieces, 0).sum(axis=1)
            lost = np.where(runs & (request.least > 0), small, total)
            found += request.weight * lost
        return found


def compile_workload(
    problem: PlacementProblem, samples: Sequence[Item], parts: PartArrays
) -> WorkloadArrays | None:
    """Translate the workload of a problem; ``None`` where it states none."""
    workload = problem.workload
    if workload is None:
        return None
    names = {name: None for request in workload.requests for name in request.demands}
    if workload.kind is None:
        names[workload.resource] = None
    resources = list(names)
    width = int(np.bincount(parts.node, minlength=1).max())
    slots = np.full((len(problem.nodes), width), ABSENT, np.int64)
    taken: Counter[int] = Counter()
    for part, node in enumerate(parts.node.tolist()):
        slots[node, taken[node]] = part
        taken[node] += 1
    column = (
        resources.index(workload.resource)
        if workload.kind is None
        else parts.resources[workload.resource]
    )
    return WorkloadArrays(
        capacity=_table([node.capacity for node in problem.nodes], resources),
        need=_table([item.demands for item in samples], resources),
        slots=slots,
        kinds=np.array(parts.kind, object),
        column=column,
        kind=workload.kind,
        stated=parts.stated,
        requests=tuple(
            _request(entry, workload, problem.nodes, resources, parts)
            for entry in workload.requests
        ),
    )


def _table(rows: Iterable[dict[str, int]], names: Sequence[str]) -> Ints:
    found = [[row.get(name, 0) for name in names] for row in rows]
    return np.array(found, np.int64).reshape(len(found), len(names))


def _request(
    entry: Typical,
    workload: Workload,
    nodes: Sequence[Node],
    resources: Sequence[str],
    parts: PartArrays,
) -> Request:
    allowed = [not entry.node_affinity or any_term(entry.node_affinity, node) for node in nodes]
    least = entry.demands.get(workload.resource, 0)
    if workload.kind is not None:
        asked = [
            min((option.get(workload.resource, 0) for option in share.options), default=0)
            for share in entry.shares
            if share.kind == workload.kind
        ]
        least = min(asked, default=0)
    shares = []
    for share in entry.shares:
        options = np.zeros((len(share.options), parts.stated.shape[1]), np.int64)
        for row, option in zip(options, share.options, strict=True):
            for name, amount in option.items():
                row[parts.columns(name)] = amount
        shares.append(RequestShare(share.kind, share.count, options))
    return Request(
        weight=entry.weight,
        allowed=np.array(allowed, bool),
        need=_table([entry.demands], resources)[0],
        shares=tuple(shares),
        least=least,
    )


def typical_requests(items: Iterable[Item], popularity: int = 95) -> tuple[Typical, ...]:
    """Return what items ask for as requests, the commonest first.

    Parameters
    ----------
    items
        The items.
    popularity
        Per cent of the items that are enough to stand for all; 95 in the simulator of the paper.
    """
    samples: dict[tuple[object, ...], Item] = {}
    counts: Counter[tuple[object, ...]] = Counter()
    for item in items:
        shares = tuple(
            (share.kind, share.count, tuple(tuple(sorted(o.items())) for o in share.options))
            for share in item.shares
        )
        key: tuple[object, ...] = (
            tuple(sorted(item.demands.items())),
            shares,
            item.node_affinity,
        )
        samples.setdefault(key, item)
        counts[key] += 1
    found: list[Typical] = []
    seen = 0
    for traits, count in counts.most_common():
        if 100 * seen >= popularity * counts.total():
            break
        item = samples[traits]
        found.append(
            Typical(
                weight=min(count, 10**6),
                demands=item.demands,
                shares=item.shares,
                node_affinity=item.node_affinity,
            )
        )
        seen += count
    return tuple(found)
