"""When groups of GPUs fit into domains: exact rows, or patterns where rows do not suffice.

A group needs ``size`` GPUs in one bin: a domain or, where domains are larger than nodes, a node.
Groups of several whole nodes need these in one domain.

Where every size divides the next larger one, the groups fit exactly when for every size s the
groups of at least that size, counted in groups of s, are at most ``floor(capacity / s)`` for each
bin: first fit by falling size then leaves no bin with room that a smaller group cannot use. Other
sizes are packed by patterns: the ways to fill one bin to which no group can be added (Gilmore and
Gomory, 1961).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from scheduling.errors import UnsupportedError

MOST_PATTERNS = 20_000
"""Most patterns of one pool."""


@dataclass(frozen=True)
class Packing:
    """Bins of equal capacity in one pool and what must fit into them.

    Parameters
    ----------
    pool
        Index of the pool.
    bins
        Number of bins.
    capacity
        GPUs of each bin, or nodes where ``whole``.
    sizes
        Sizes of groups that occur, falling, in the unit of the capacity.
    taken
        Bins that one group of some other size takes away as a whole, by its size in GPUs.
    scale
        GPUs in one unit of the sizes.

    A pool without nodes has bins of one GPU, and each group takes as many as it needs.
    """

    pool: int
    bins: int
    capacity: int
    sizes: tuple[int, ...]
    taken: Mapping[int, int]
    scale: int = 1
    patterns: tuple[tuple[int, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        chain = all(large % small == 0 for large, small in pairwise(self.sizes))
        found = () if chain else tuple(_patterns(self.capacity, self.sizes))
        object.__setattr__(self, "patterns", found)

    def weights(self, size: int) -> list[int]:
        """Coefficient of one group of ``size`` GPUs in each row; none when there are patterns."""
        if self.patterns:
            return []
        found = []
        for level in self.sizes:
            slots = self.capacity // level
            if size in self.taken:
                found.append(self.taken[size] * slots)
            else:
                units, rest = divmod(size, self.scale)
                inside = rest == 0 and units in self.sizes and units >= level
                found.append(units // level if inside else 0)
        return found

    def sides(self) -> list[int]:
        """Right-hand side of each row."""
        return [] if self.patterns else [self.bins * (self.capacity // s) for s in self.sizes]


def packings_of(
    pool: int, nodes: int, node: int, domain: int, sizes: set[int]
) -> tuple[Packing, ...]:
    """Conditions for groups to fit into a pool.

    Parameters
    ----------
    pool
        Its index.
    nodes, node, domain
        Number of nodes, GPUs of a node and GPUs of a domain.
    sizes
        GPUs of the groups.
    """
    small = tuple(sorted((size for size in sizes if size <= min(node, domain)), reverse=True))
    large = tuple(sorted((size // node for size in sizes if size > node), reverse=True))
    bin_size = min(node, domain)
    found = []
    if large:
        found.append(Packing(pool, nodes * node // domain, domain // node, large, {}, node))
    if small:
        taken = {node * units: units for units in large}
        found.append(Packing(pool, nodes * node // bin_size, bin_size, small, taken))
    return tuple(found)


def _patterns(capacity: int, sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All ways to fill a bin to which no group can be added."""
    count = 0
    stack: list[tuple[tuple[int, ...], int]] = [((), capacity)]
    while stack:
        chosen, room = stack.pop()
        if len(chosen) == len(sizes):
            if room < sizes[-1]:
                count += 1
                if count > MOST_PATTERNS:
                    found = f"more than {MOST_PATTERNS} ways to fill {capacity} GPUs"
                    raise UnsupportedError(f"{found}; give templates fewer different sizes")
                yield chosen
            continue
        size = sizes[len(chosen)]
        stack += [((*chosen, number), room - number * size) for number in range(room // size + 1)]
