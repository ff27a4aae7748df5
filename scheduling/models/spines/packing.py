"""Fewest splits of the flows of one leaf over its links, whatever other leaves do.

Flows and links of a leaf, with the parts between them, fall apart into groups. A group of k links
has at least as many parts as flows and links, but one, and its flows are no longer than k links
carry: it splits k - 1 times or more. So the fewest splits are those of the best partition of the
flows into groups that have no more links together than there are.

Source: Menakerman and Rom, "Bin packing with item fragmentation", WADS 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil


def fits_whole(sizes: Sequence[float], links: int) -> bool:
    """Tell whether flows go whole over links that carry 1 each, the longest first where one fits.

    Parameters
    ----------
    sizes
        Of the flows, in what a link carries.
    links
        How many there are.
    """
    rooms: list[float] = []
    for size in sorted(sizes, reverse=True):
        place = next((k for k, room in enumerate(rooms) if room >= size), None)
        if place is None:
            if size > 1.0 or len(rooms) == links:
                return False
            rooms.append(1.0 - size)
        else:
            rooms[place] -= size
    return True


def fewest_splits(sizes: Sequence[float], links: int, slack: float) -> int:
    """Return the fewest splits of flows over links that carry 1 each.

    Parameters
    ----------
    sizes
        Of the flows, in what a link carries; the time grows as three to the power of them.
    links
        How many there are; they can carry the flows.
    slack
        By how much links may carry more, together.
    """
    sums = [0.0] * (1 << len(sizes))
    for flows in range(1, len(sums)):
        last = flows.bit_length() - 1
        sums[flows] = sums[flows ^ 1 << last] + sizes[last]

    @cache
    def best(left: int) -> dict[int, int]:
        """Return the fewest splits by the number of links that groups of these flows have."""
        if not left:
            return {0: 0}
        found: dict[int, int] = {}
        first, group = left & -left, left
        while group:
            if group & first:
                own = max(1, ceil(sums[group] - slack))
                for others, splits in best(left ^ group).items():
                    total = others + own
                    if total <= links:
                        found[total] = min(found.get(total, total), splits + own - 1)
            group = (group - 1) & left
        return found

    return min(best(len(sums) - 1).values())
