"""Bound of splits by formula."""

from __future__ import annotations

import math

from scheduling.models.spines.arrays import SpineArrays

_EQUAL = 1e-12
"""Relative difference at which loads of leaves are equal."""


def splits_bound(arrays: SpineArrays) -> int:
    """Return by how many parts there are more than flows at least, at the least congestion.

    The busiest leaves fill their links to all m spines. With d equal flows of such a leaf, any set
    of links that some of them fill alone takes a multiple of ``d / gcd(d, m)`` flows, so that
    flows and links fall apart into at most ``gcd(d, m)`` groups; a group needs as many parts as
    flows and links, but one. The leaf splits ``m - gcd(d, m)`` times, at least.
    """
    busiest = arrays.limit * arrays.spines
    most = 0
    for side in arrays.leaves:
        found = 0
        for inside in side:
            sizes = arrays.size[inside].tolist()
            if len(set(sizes)) == 1 and math.isclose(sum(sizes), busiest, rel_tol=_EQUAL):
                found += arrays.spines - math.gcd(len(sizes), arrays.spines)
        most = max(most, found)
    return most
