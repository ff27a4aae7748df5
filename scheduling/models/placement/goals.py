"""What goals need of a problem in arrays, and their values from numbers of items on nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scheduling.models.placement.arrays import Domains, PlacementArrays

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish of a class for neighbours.

    Attributes
    ----------
    owner, meant
        Class that has the wish; classes of the items that it means.
    domains
        Index into :attr:`PlacementArrays.domains`.
    weight
        Lost for each item of the class whose wish is not met.
    apart
        Whether it is met where no other item meant stands, not where one does.
    """

    owner: int
    meant: tuple[int, ...]
    domains: int
    weight: int
    apart: bool

    @property
    def own(self) -> int:
        """How many of the items meant an item of the class is itself."""
        return int(self.owner in self.meant)


@dataclass(frozen=True, eq=False)
class Aims:
    """Data of the goals that are in use.

    Attributes
    ----------
    wish_cost
        (K, m) weight of the wishes for nodes that an item of a class loses on a node; ``None``
        where no wish matters.
    wishes
        Wishes for neighbours.
    """

    wish_cost: Ints | None = None
    wishes: tuple[Wish, ...] = ()


def most_of(arrays: PlacementArrays, goal: str) -> int:
    """Return what a goal is at most, whatever stands where."""
    return _MOST[goal](arrays)


def _most_preferences(arrays: PlacementArrays) -> int:
    size = arrays.size()
    aims = arrays.aims
    lost = sum(wish.weight * int(size[wish.owner]) for wish in aims.wishes)
    return lost + (0 if aims.wish_cost is None else int(aims.wish_cost.max(axis=1) @ size))


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
}

_MOST: dict[str, Callable[[PlacementArrays], int]] = {
    "fragments": _most_fragments,
    "preferences": _most_preferences,
}
