"""Values of goals from places of items and numbers of items on nodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.aims import Clash, Gauge, SpreadAims, Wish
from scheduling.models.placement.measures import MILLIONTHS

if TYPE_CHECKING:
    from scheduling.models.placement.arrays import Domains, PlacementArrays

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def most_of(arrays: PlacementArrays, goal: str) -> int:
    """Return what a goal is at most, whatever stands where."""
    return _MOST[goal](arrays)


def _most_preferences(arrays: PlacementArrays) -> int:
    size = arrays.size()
    aims = arrays.aims
    lost = sum(wish.weight * int(size[wish.owner]) for wish in aims.wishes)
    most = 0 if aims.wish_cost is None else int(aims.wish_cost.max(axis=1, initial=0) @ size)
    return lost + most


def _most_balance(arrays: PlacementArrays) -> int:
    """Return the larger of a full node and the fullest one now: rules let none grow above."""
    return max(MILLIONTHS, Standing(arrays, arrays.now).value("balance"))


def _most_interference(arrays: PlacementArrays) -> int:
    size = arrays.size()

    def number(classes: tuple[int, ...]) -> int:
        return int(size[list(classes)].sum())

    return sum(
        clash.degradation * number(clash.victims) * number(clash.neighbours)
        for clash in arrays.aims.clashes
    )


class Standing:
    """A placement as its goals see it.

    Parameters
    ----------
    arrays
        The problem.
    place
        Place of each item, below 0 where it stands nowhere.
    """

    def __init__(self, arrays: PlacementArrays, place: Ints) -> None:
        self.arrays, self.place = arrays, place

    @cached_property
    def node(self) -> Ints:
        """Node of each item, below 0 where it stands nowhere."""
        return self.arrays.places.nodes(self.place)

    @cached_property
    def counts(self) -> Ints:
        """Number of items of each class on each node, (K, m)."""
        return self.arrays.counts(self.place)

    @cached_property
    def used(self) -> Ints:
        """Nodes in use."""
        return np.unique(self.node[self.node >= 0])

    def value(self, goal: str) -> int:
        """Return the value of a goal."""
        return int(_VALUES[goal](self))


def _evictions(at: Standing) -> int:
    arrays = at.arrays
    lost = (arrays.now >= 0) & (at.place < 0)
    return int(arrays.eviction_cost[arrays.of_class][lost].sum())


def _moves(at: Standing) -> int:
    arrays = at.arrays
    moved = (arrays.now >= 0) & (at.place >= 0) & (at.place != arrays.now)
    return int(arrays.move_cost[arrays.of_class][moved].sum())


def _fragments(at: Standing) -> int:
    measure = at.arrays.fragment
    if measure is None:
        return 0
    if measure.parts is None:
        used = at.counts.T @ measure.need
    else:
        used = at.arrays.taken(at.place)[measure.parts, measure.column]
    free = np.maximum(measure.capacity - used, 0)
    return int((free % measure.unit).sum())


def _most_fragments(arrays: PlacementArrays) -> int:
    measure = arrays.fragment
    if measure is None:
        return 0
    return int(np.minimum(measure.capacity, measure.unit - 1).sum())


def _preferences(at: Standing) -> int:
    arrays, aims = at.arrays, at.arrays.aims
    if aims.wish_cost is None and not aims.wishes:
        return 0
    lost = 0 if aims.wish_cost is None else int((aims.wish_cost * at.counts).sum())
    return lost + sum(unmet(wish, arrays.domains[wish.domains], at.counts) for wish in aims.wishes)


def unmet(wish: Wish, domains: Domains, counts: Ints) -> int:
    """Weight that is lost on a wish for neighbours."""
    mine = by_domain(domains, counts[wish.owner])
    others = by_domain(domains, counts[list(wish.meant)].sum(axis=0)) - wish.own
    bad = others > 0 if wish.apart else others <= 0
    # Without a domain nothing is near.
    bad[-1] = not wish.apart
    return wish.weight * int(mine[bad].sum())


def _balance(at: Standing) -> int:
    gauge = at.arrays.aims.balance
    return 0 if gauge is None else fullest(gauge.capacity, used_of(at, gauge))


def used_of(at: Standing, gauge: Gauge) -> Ints:
    """Return what is used of each row of a gauge at its fullest moment."""
    if gauge.columns is None:
        used = at.counts[:, gauge.rows].T @ gauge.need.T
    else:
        used = at.arrays.taken(at.place)[np.ix_(gauge.rows, gauge.columns)]
    found: Ints = used.max(axis=1, initial=0)
    return found


def fullest(capacity: Ints, used: Ints) -> int:
    """Return the largest of ``used / capacity`` in millionths, rounded up."""
    if not len(capacity):
        return 0
    share = used / capacity
    # Products may pass 64 bits; only those that may be the largest are worth exact numbers.
    rows = np.flatnonzero(share >= share.max() * (1 - 1e-9))
    pairs = zip(used[rows].tolist(), capacity[rows].tolist(), strict=True)
    exact: list[int] = [-(-MILLIONTHS * amount // room) for amount, room in pairs]
    return max(exact)


def _spread(at: Standing) -> int:
    aims = at.arrays.aims.spread
    if aims is None:
        return 0
    return sum(int(crowd(aims, owner, at.counts).max(initial=0)) for owner in aims.owners)


def crowd(aims: SpreadAims, owner: tuple[int, ...], counts: Ints) -> Ints:
    """Return the number of an owner's items in each domain."""
    found = np.zeros(aims.count, np.int64)
    np.add.at(found, aims.of, counts[list(owner)].sum(axis=0))
    return found


def _interference(at: Standing) -> int:
    return sum(int(suffered(clash, at.counts).sum()) for clash in at.arrays.aims.clashes)


def suffered(clash: Clash, counts: Ints) -> Ints:
    """Return what is lost on each node."""
    victims = counts[list(clash.victims)].sum(axis=0)
    neighbours = counts[list(clash.neighbours)].sum(axis=0)
    pairs: Ints = victims * neighbours - counts[list(clash.both)].sum(axis=0)
    return clash.degradation * pairs


def _fragmentation(at: Standing) -> int:
    workload = at.arrays.workload
    if workload is None:
        return 0
    nodes = np.arange(at.arrays.n_nodes)
    free = workload.capacity - at.counts.T @ workload.need
    inside = workload.stated - at.arrays.taken(at.place)
    return int(workload.lost(nodes, free, workload.parts_of(nodes, inside)).sum())


def _most_fragmentation(arrays: PlacementArrays) -> int:
    workload = arrays.workload
    return 0 if workload is None else workload.weight * workload.room


def strain(arrays: PlacementArrays, goal: str, counts: Ints) -> Floats:
    """Return how much each node adds to a goal that measures nodes; ones where nothing is known."""
    aims, found = arrays.aims, np.zeros(arrays.n_nodes)
    if goal == "balance" and aims.balance is not None and aims.balance.columns is None:
        gauge = aims.balance
        used = (counts[:, gauge.rows].T @ gauge.need.T).max(axis=1, initial=0)
        # Only the fullest nodes matter.
        found[gauge.rows] = (used / gauge.capacity) ** 8
    elif goal == "interference":
        found += sum((suffered(clash, counts) for clash in aims.clashes), np.zeros(1))
    elif goal == "spread" and aims.spread is not None:
        for owner in aims.spread.owners:
            numbers = crowd(aims.spread, owner, counts)
            crowded = (numbers == numbers.max(initial=0)) & (numbers > 1)
            found += crowded[aims.spread.of] * counts[list(owner)].sum(axis=0)
    return found if found.any() else np.ones(arrays.n_nodes)


def by_domain(of: Domains, numbers: Ints) -> Ints:
    """Sum numbers of nodes by domain; the last entry is that of nodes without one."""
    found = np.zeros(of.count + 1, np.int64)
    np.add.at(found, of.of, numbers)
    return found


_VALUES: dict[str, Callable[[Standing], int]] = {
    "evictions": _evictions,
    "moves": _moves,
    "nodes": lambda at: len(at.used),
    "cost": lambda at: int(at.arrays.node_cost[at.used].sum()),
    "fragments": _fragments,
    "preferences": _preferences,
    "balance": _balance,
    "interference": _interference,
    "spread": _spread,
    "fragmentation": _fragmentation,
}

_MOST: dict[str, Callable[[PlacementArrays], int]] = {
    "fragments": _most_fragments,
    "preferences": _most_preferences,
    "balance": _most_balance,
    "interference": _most_interference,
    "spread": lambda arrays: arrays.n_items,
    "fragmentation": _most_fragmentation,
}
