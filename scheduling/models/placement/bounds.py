"""Bounds by formula: items of a priority that must stay unplaced, and values of goals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from scheduling.models.placement.aims import Gauge
from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.measures import MILLIONTHS

_LARGEST_TABLE = 500
"""Most classes for which the eigenvalues of their interference are found."""

_ROUNDING = 1e-9


def unplaced_bound(arrays: PlacementArrays, tier: int, caps: tuple[int, ...]) -> int:
    """Least number of items of a priority that no placement can hold.

    Resource by resource: of the capacity of all nodes that may be used, the items of higher
    priority take at least the demands of the smallest of those that have to be placed; what is left
    holds at most so many of the smallest items of this priority. Items that may go nowhere count
    as unplaced.

    Parameters
    ----------
    arrays
        The problem.
    tier
        Tier of the priority.
    caps
        Most unplaced items in each tier before.
    """
    size = arrays.size()
    usable = arrays.usable
    homeless = ~usable.any(axis=1)
    mine = arrays.tier == tier
    lost = int(size[mine & homeless].sum())
    live = mine & ~homeless
    total = int(size[live].sum())
    if total == 0:
        return lost
    reachable = usable[(arrays.tier <= tier) & ~homeless].any(axis=0)
    worst = 0
    for column in range(arrays.demand.shape[1]):
        room = int(arrays.capacity[reachable, column].sum())
        for before, cap in enumerate(caps[:tier]):
            others = arrays.tier == before
            count = int(size[others].sum()) - cap
            room -= _least_sum(arrays.demand[others, column], size[others], count)
        held = _most(arrays.demand[live, column], size[live], room)
        worst = max(worst, total - held)
    return lost + worst


def _least_sum(demand: Ints, size: Ints, count: int) -> int:
    """Sum of the ``count`` smallest demands."""
    if count <= 0:
        return 0
    order = np.argsort(demand, kind="stable")
    reach = np.cumsum(size[order])
    taken = np.clip(count - (reach - size[order]), 0, size[order])
    return int(demand[order] @ taken)


def _most(demand: Ints, size: Ints, room: int) -> int:
    """Largest number of items whose demands sum to at most ``room``."""
    held = 0
    for need, count in sorted(zip(demand.tolist(), size.tolist(), strict=True)):
        fits = count if need == 0 else min(count, max(0, room) // need)
        held += fits
        room -= fits * need
        if fits < count:
            break
    return held


def goal_bound(arrays: PlacementArrays, goal: str, caps: tuple[int, ...]) -> int:
    """Return a lower bound of a goal; 0 for goals without a formula.

    Parameters
    ----------
    arrays
        The problem.
    goal
        Name of the goal.
    caps
        Values that the tiers before may not exceed, those of the unplaced items first.
    """
    return _LEAST[goal](arrays, caps) if goal in _LEAST else 0


def _least_preferences(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    """Sum the least losses on nodes of as many items of each priority as have to be placed."""
    cost = arrays.aims.wish_cost
    if cost is None:
        return 0
    usable = arrays.usable
    least = np.where(usable, cost, np.iinfo(np.int64).max).min(axis=1, initial=2**62)
    return _placed_least(arrays, least, caps)


def _least_balance(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    """Share the least demand of what has to be placed evenly over all that has capacity.

    What runs where there is none may stay there, and counts nowhere.
    """
    gauge = arrays.aims.balance
    if gauge is None or not len(gauge.rows):
        return 0
    outside: list[int] = _uncounted(arrays, gauge).tolist()
    rows = zip(gauge.need, outside, strict=True)
    total = max(0, *(_placed_least(arrays, need, caps) - spared for need, spared in rows))
    return -(-MILLIONTHS * total // int(gauge.capacity.sum()))


def _uncounted(arrays: PlacementArrays, gauge: Gauge) -> Ints:
    """Return what is taken now, at each moment, where a gauge has no row."""
    if gauge.columns is None:
        bare = np.delete(np.arange(arrays.n_nodes), gauge.rows)
        outside: Ints = gauge.need @ arrays.running[:, bare].sum(axis=1)
    else:
        bare = np.flatnonzero(arrays.parts.stated[:, gauge.columns[0]] == 0)
        outside = arrays.taken(arrays.now)[np.ix_(bare, gauge.columns)].sum(axis=0)
    return outside


def _placed_least(arrays: PlacementArrays, cost: Ints, caps: tuple[int, ...]) -> int:
    """Sum the least costs of as many items of each priority as have to be placed."""
    size = arrays.size()
    usable = arrays.usable.any(axis=1)
    total = 0
    for tier, cap in enumerate(caps[: arrays.n_priorities]):
        mine = arrays.tier == tier
        count = int(size[mine].sum()) - cap
        total += _least_sum(cost[mine & usable], size[mine & usable], count)
    return total


def _least_used(arrays: PlacementArrays, caps: tuple[int, ...], price: Ints) -> int:
    """Price of the nodes that hold the smallest demands that have to be placed.

    Resource by resource, nodes are taken by falling capacity for their price, the last in part.
    """
    usable = arrays.usable.any(axis=0)
    most = 0
    for column in range(arrays.demand.shape[1]):
        need = _placed_least(arrays, arrays.demand[:, column], caps)
        room, cost = arrays.capacity[usable, column], price[usable]
        order = np.argsort(np.where(room > 0, cost / np.maximum(room, 1), np.inf), kind="stable")
        total = 0
        for space, worth in zip(room[order].tolist(), cost[order].tolist(), strict=True):
            if need <= 0 or space == 0:
                break
            total += worth if need >= space else -(-worth * need // space)
            need -= space
        most = max(most, total)
    return most


def _least_nodes(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    return _least_used(arrays, caps, np.ones(arrays.n_nodes, np.int64))


def _least_cost(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    return _least_used(arrays, caps, arrays.node_cost)


def _least_spread(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    """Deal the items of each owner out to all its domains; each unplaced item saves one at most."""
    aims = arrays.aims.spread
    if aims is None:
        return 0
    usable, size = arrays.usable, arrays.size()
    total = 0
    for owner in aims.owners:
        chosen = [k for k in owner if usable[k].any()]
        open_to = np.unique(aims.of[usable[chosen].any(axis=0)])
        lost = int(size[list(owner)].sum() - size[chosen].sum())
        if chosen:
            total += -(-int(size[chosen].sum()) // len(open_to)) + lost
        else:
            total += lost
    return max(0, total - sum(caps[: arrays.n_priorities]))


def _least_fragmentation(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:  # noqa: ARG001
    """Let requests that can use nothing of it anywhere lose what is free when all is placed."""
    workload = arrays.workload
    if workload is None:
        return 0
    size, taken = arrays.size(), 0
    if workload.kind is None:
        taken = int(size @ workload.need[:, workload.column])
    for k, shares in enumerate(arrays.parts.shares if workload.kind is not None else ()):
        taken += sum(
            int(size[k]) * share.count * int(share.need[:, workload.column].max(initial=0))
            for share in shares
            if share.kind == workload.kind
        )
    useless = sum(r.weight for r in workload.requests if r.least == 0 or not r.allowed.any())
    return useless * max(0, workload.room - taken)


def _least_interference(arrays: PlacementArrays, caps: tuple[int, ...]) -> int:
    """Deal every class out evenly to all nodes, where everything is placed.

    With x the numbers of one node and S the symmetric table of what classes take from each other,
    the goal is the sum of ``x' S x`` over the nodes, less what items would take from themselves.
    Where S is positive semidefinite this is convex, so that equal numbers everywhere, in parts, are
    least. Otherwise the least eigenvalue is taken off the diagonal and given back for as many equal
    items as fit on one node.
    """
    usable = arrays.usable
    size = np.where(usable.any(axis=1), arrays.size(), 0)
    lost = int(arrays.size().sum() - size.sum())
    if arrays.n_classes > _LARGEST_TABLE or sum(caps[: arrays.n_priorities]) > lost:
        return 0
    table = np.zeros((arrays.n_classes, arrays.n_classes))
    own = 0
    for clash in arrays.aims.clashes:
        table[np.ix_(clash.victims, clash.neighbours)] += clash.degradation
        own += clash.degradation * int(size[list(clash.both)].sum())
    table = (table + table.T) / 2
    least = min(0.0, float(np.linalg.eigvalsh(table).min(initial=0.0)))
    even = size @ (table - least * np.eye(len(size))) @ size / max(1, int(usable.any(axis=0).sum()))
    fits = [_most_alike(arrays, k) for k in range(arrays.n_classes)]
    together = least * float(size @ np.minimum(size, fits))
    return max(0, math.ceil((even + together) * (1 - _ROUNDING) - own - _ROUNDING * abs(together)))


def _most_alike(arrays: PlacementArrays, k: int) -> int:
    """Most items of a class that one node holds."""
    need = arrays.demand[k] > 0
    usable = arrays.usable[k]
    if not need.any() or not usable.any():
        return len(arrays.members[k])
    return int((arrays.capacity[usable][:, need] // arrays.demand[k, need]).min(axis=1).max())


_LEAST: dict[str, Callable[[PlacementArrays, tuple[int, ...]], int]] = {
    "nodes": _least_nodes,
    "cost": _least_cost,
    "preferences": _least_preferences,
    "balance": _least_balance,
    "spread": _least_spread,
    "fragmentation": _least_fragmentation,
    "interference": _least_interference,
}
