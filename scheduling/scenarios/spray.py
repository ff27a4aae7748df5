"""Packet spraying against single paths on leaf and spine: least congestion with few splits.

Known by its abstract: the flows of a collective start together and are equally long; spraying every
packet over all m spines loads every link with ``d / m`` of the d flows of a leaf, and single paths
do as well when a few flows are split. All leaves send and receive d flows, so that the flows are a
regular bipartite graph, which falls apart into d perfect matchings (Koenig). Laid end to end over
the spines, each of which takes ``d / m`` of them (McNaughton's wrap-around rule), at most m - 1
matchings are cut, and every leaf has one flow in each: no link carries more than with spraying,
and no leaf splits more than m - 1 flows. With equal flows, fewer than ``m - gcd(d, m)`` splits of a
leaf cannot do, for every group of spines that is filled without a cut takes a multiple of
``d / gcd(d, m)`` flows; the rule makes exactly so many.

Inferred: collectives are sums of random permutations of the leaves.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

import networkx as nx
import numpy as np

from scheduling.scenarios.scenario import Row, Run, Scenario

Flow = tuple[int, int]
Share = tuple[int, int, Fraction]
"""Matching, spine, and the part of its flows that takes this spine."""

_CASES = ((16, 12, 8), (32, 24, 16), (32, 40, 12))
"""Leaves, flows of each, spines."""

_SEEDS = 20


def collective(leaves: int, degree: int, seed: int) -> list[Flow]:
    """Draw flows: every leaf sends and receives ``degree``, none to itself."""
    rng = np.random.default_rng(seed)
    flows: list[Flow] = []
    for _ in range(degree):
        cycle = rng.permutation(leaves)
        flows += zip(cycle.tolist(), np.roll(cycle, 1).tolist(), strict=True)
    return flows


def matchings(flows: list[Flow], leaves: int) -> list[list[Flow]]:
    """Take a regular collective apart into perfect matchings."""
    graph: Any = nx.MultiGraph()
    graph.add_edges_from((("up", a), ("down", b)) for a, b in flows)
    ups = [("up", leaf) for leaf in range(leaves)]
    found = []
    for _ in range(len(flows) // leaves):
        matched = nx.bipartite.hopcroft_karp_matching(graph, ups)
        found.append([(leaf, matched["up", leaf][1]) for leaf in range(leaves)])
        graph.remove_edges_from((("up", a), ("down", b)) for a, b in found[-1])
    return found


def wrapped(count: int, spines: int) -> list[Share]:
    """Lay matchings end to end over spines of equal capacity."""
    capacity = Fraction(count, spines)
    shares: list[Share] = []
    spine, room = 0, capacity
    for number in range(count):
        left = Fraction(1)
        while left > 0:
            part = min(left, room)
            shares.append((number, spine, part))
            left, room = left - part, room - part
            if room == 0:
                spine, room = spine + 1, capacity
    return shares


def congestion(
    found: list[list[Flow]], shares: list[Share], leaves: int, spines: int
) -> tuple[Fraction, int]:
    """Return the most loaded link, leaf to spine or back, and the most splits of a leaf."""
    up = [[Fraction(0)] * spines for _ in range(leaves)]
    down = [[Fraction(0)] * spines for _ in range(leaves)]
    for number, spine, part in shares:
        for sender, receiver in found[number]:
            up[sender][spine] += part
            down[receiver][spine] += part
    parts = len(shares) - len(found)
    return max(max(row) for row in (*up, *down)), parts


def hashed(flows: list[Flow], leaves: int, spines: int, seed: int) -> int:
    """Return the most loaded link when every flow takes a spine by lot (ECMP)."""
    picks = np.random.default_rng(seed).integers(0, spines, len(flows))
    ends = np.array(flows)
    return max(
        int(np.bincount(ends[:, side] * spines + picks, minlength=leaves * spines).max())
        for side in (0, 1)
    )


def run(limits: Run) -> list[Row]:
    """Split as few flows as spraying's congestion needs, beside paths by lot."""
    del limits
    return [_row(*case) for case in _CASES]


def _row(leaves: int, degree: int, spines: int) -> Row:
    flows = collective(leaves, degree, seed=1)
    found = matchings(flows, leaves)
    worst, splits = congestion(found, wrapped(degree, spines), leaves, spines)
    ideal = Fraction(degree, spines)
    drawn = [hashed(flows, leaves, spines, seed) for seed in range(_SEEDS)]
    fewest = spines - gcd(degree, spines)
    return Row(
        case=f"{leaves} leaves, {degree} flows of each, {spines} spines",
        measure="flows on the most loaded link",
        baseline=f"paths by lot, mean of {_SEEDS}",
        baseline_value=float(np.mean(drawn)),
        method=f"single paths, {splits} splits of a leaf",
        value=float(worst),
        gap=float(1 - ideal / worst),
        published="single paths reach the congestion of spraying with few splits",
        verdict=f"as sprayed; {fewest} splits are the fewest"
        if worst == ideal
        else "not as sprayed",
    )


SCENARIO = Scenario(
    name="spray",
    system="Packet spraying against single-path transport (known by its abstract)",
    wants="nothing: seeded collectives",
    run=run,
)
