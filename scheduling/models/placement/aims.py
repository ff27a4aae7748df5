"""Data of goals in arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

UNLIMITED = -1
"""Stands for «no limit»."""


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
class Gauge:
    """How much of one resource is used, node by node or part by part, at the fullest moment.

    Attributes
    ----------
    rows
        Nodes, or parts, that have some of it.
    capacity
        What each of them has, as stated.
    need
        (T, K) what an item of each class takes at each moment: of its node, or of all its parts at
        least.
    columns
        Columns of the resource of parts, one for each moment; ``None``: of nodes.
    """

    rows: Ints
    capacity: Ints
    need: Ints
    columns: Ints | None


@dataclass(frozen=True, eq=False)
class SpreadAims:
    """Items of one owner over domains.

    Attributes
    ----------
    owners
        Classes of each owner.
    of
        (m,) domain of each node; nodes without the label are domains by themselves.
    count
        Number of domains.
    """

    owners: tuple[tuple[int, ...], ...]
    of: Ints
    count: int


@dataclass(frozen=True, slots=True)
class Clash:
    """Items of classes that slow down others on their node.

    Attributes
    ----------
    victims, neighbours
        Classes that lose, and classes beside which they do.
    degradation
        What a victim loses for each neighbour.
    """

    victims: tuple[int, ...]
    neighbours: tuple[int, ...]
    degradation: int

    @property
    def both(self) -> tuple[int, ...]:
        """Classes that are victims and neighbours."""
        return tuple(sorted({*self.victims} & {*self.neighbours}))


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
    balance
        What the goal ``balance`` looks at.
    spread
        What the goal ``spread`` looks at.
    clashes
        Interference between classes.
    tolerated
        (K,) most degradation of an item that arrives, or beside which something arrives;
        ``UNLIMITED`` for none.
    """

    wish_cost: Ints | None = None
    wishes: tuple[Wish, ...] = ()
    balance: Gauge | None = None
    spread: SpreadAims | None = None
    clashes: tuple[Clash, ...] = ()
    tolerated: Ints = field(default_factory=lambda: np.empty(0, np.int64))
