"""Bound of splits by formula."""

from __future__ import annotations

from math import ceil, gcd, isclose

from scheduling.models.exact import whole
from scheduling.models.spines.arrays import SpineArrays
from scheduling.models.spines.problem import STEP

_EQUAL = 1e-12
"""Relative difference at which loads of leaves are equal."""

_SLACK = 1e-6
"""Share of a link by which a flow that counts as longer than some links is longer."""

_MOST_BITS = 10**9
"""Most bits that are moved to find all sums of flows."""


def splits_bound(arrays: SpineArrays) -> int:
    """Return by how many parts there are more than flows at least, at the least congestion.

    A flow that is longer than k links carry is in more than k parts. The busiest leaves fill their
    links to all m spines: flows and links, with the parts between them, fall apart into groups
    of k links whose flows are as long as k links carry together, and a group needs as many parts
    as flows and links, but one. The leaf splits m times less the groups that there are at most,
    see :func:`most_groups`.
    """
    limit = arrays.limit
    busiest = limit * arrays.spines
    lengths, _ = whole(arrays.size.tolist())
    long = [ceil(float(size) / limit - _SLACK) - 1 for size in arrays.size.tolist()]
    known: dict[tuple[int, ...], int] = {}
    most = sum(long)
    for side in arrays.leaves:
        found = 0
        for inside in side:
            splits = sum(long[flow] for flow in inside)
            if isclose(sum(arrays.size[inside].tolist()), busiest, rel_tol=_EQUAL):
                flows = tuple(sorted(lengths[flow] for flow in inside))
                if flows not in known:
                    known[flows] = arrays.spines - most_groups(flows, arrays.spines)
                splits = max(splits, known[flows])
            found += splits
        most = max(most, found)
    return most


def most_groups(lengths: tuple[int, ...], links: int) -> int:
    """Return into how many groups flows and the links that they fill fall apart at most.

    With N units of flows, whose lengths have no common divisor, k links hold whole units where k is
    a multiple of ``links / gcd(N, links)``, and a group is no smaller than the least such k for
    which some flows sum to what k links hold.

    Parameters
    ----------
    lengths
        Of the flows of a leaf in any whole unit.
    links
        Links that they fill.
    """
    unit = gcd(*lengths)
    total = sum(lengths) // unit
    # Links need not be full by half a step each, which may be a unit where units are that small.
    if total * links * STEP > 1:
        return min(len(lengths), links)
    parts = gcd(total, links)
    if total * len(lengths) > _MOST_BITS:
        return min(len(lengths), parts)
    sums = 1
    for length in lengths:
        sums |= sums << (length // unit)
    each = total // parts
    least = next(k for k in range(1, parts + 1) if sums >> (k * each) & 1)
    return min(len(lengths), parts // least)
