"""Bound of splits by formula."""

from __future__ import annotations

from math import ceil, gcd, isclose
from typing import Any

import networkx as nx

from scheduling.models.exact import whole
from scheduling.models.spines.arrays import SpineArrays
from scheduling.models.spines.packing import fewest_splits, fits_whole
from scheduling.models.spines.problem import STEP

_EQUAL = 1e-12
"""Relative difference at which loads of leaves are equal."""

_SLACK = 1e-6
"""Share of a link by which flows that count as longer than some links are longer."""

_MOST_PARTITIONS = 300_000
"""Steps of partitions of the flows of leaves, about three to the power of the flows of each."""

_MOST_PAIRS = 2000
"""Pairs of leaves in the graph that tells which splits count twice."""

_MOST_BITS = 10**9
"""Most bits that are moved to find all sums of flows."""


def splits_bound(arrays: SpineArrays) -> int:
    """Return by how many parts there are more than flows at least, at the least congestion.

    A split counts for the leaf that the flow comes from and for that it goes to: the fewest that
    give every leaf its own are those of both sides less as many as can count for one of each, which
    a flow in the graph of leaves tells (an edge cover; Gallai, 1959).
    """
    least = longer_splits(arrays)
    sides = [
        [need - sum(least[flow] for flow in inside) for need, inside in zip(row, side, strict=True)]
        for row, side in zip(leaf_splits(arrays), arrays.leaves, strict=True)
    ]
    both = _shared(arrays, sides[0], sides[1])
    return sum(least) + sum(map(sum, sides)) - both


def _shared(arrays: SpineArrays, sources: list[int], targets: list[int]) -> int:
    """Return how many splits of leaves can count for a source and a target at once, or more."""
    most = min(sum(sources), sum(targets))
    pairs = {pair for pair in zip(*arrays.ends, strict=True) if sources[pair[0]] * targets[pair[1]]}
    if not most or len(pairs) > _MOST_PAIRS:
        return most
    graph: Any = nx.DiGraph()
    for number, need in enumerate(sources):
        graph.add_edge("sources", ("from", number), capacity=need)
    for number, need in enumerate(targets):
        graph.add_edge(("to", number), "targets", capacity=need)
    graph.add_edges_from((("from", source), ("to", target)) for source, target in pairs)
    return int(nx.maximum_flow_value(graph, "sources", "targets"))


def longer_splits(arrays: SpineArrays) -> list[int]:
    """Return for each flow its splits for being longer than links carry."""
    slack = _slack(arrays)
    return [ceil(size / arrays.limit - slack) - 1 for size in arrays.size.tolist()]


def leaf_splits(arrays: SpineArrays) -> tuple[list[int], list[int]]:
    """Return for each leaf the fewest splits of its flows, as source and as target.

    A flow that is longer than k links carry is in more than k parts. Leaves of few flows split as
    :func:`fewest_splits` tells. The busiest fill their links to all m spines: flows and links, with
    the parts between them, fall apart into groups of k links whose flows are as long as k links
    carry together, and the leaf splits m times less the groups that there are at most, see
    :func:`most_groups`.
    """
    limit, least = arrays.limit, longer_splits(arrays)
    busiest = limit * arrays.spines
    lengths, _ = whole(arrays.size.tolist())
    known: dict[tuple[int, ...], int] = {}
    left = _MOST_PARTITIONS
    sides = []
    for side in arrays.leaves:
        needs = []
        for inside in side:
            sizes = tuple(sorted(lengths[flow] for flow in inside))
            if sizes not in known:
                loads = (arrays.size[inside] / limit).tolist()
                known[sizes] = 0
                if isclose(sum(loads) * limit, busiest, rel_tol=_EQUAL):
                    known[sizes] = arrays.spines - most_groups(sizes, arrays.spines)
                if 3 ** len(loads) <= left and not fits_whole(loads, arrays.spines):
                    left -= 3 ** len(loads)
                    fewest = fewest_splits(loads, arrays.spines, _slack(arrays))
                    known[sizes] = max(known[sizes], fewest)
            needs.append(max(known[sizes], sum(least[flow] for flow in inside)))
        sides.append(needs)
    return sides[0], sides[1]


def _slack(arrays: SpineArrays) -> float:
    """Return the share of a link by which what counts as longer than links carry is longer."""
    return max(_SLACK, arrays.spines * STEP)


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
