"""PCCL: the order of ranks in a ring whose links are not equally fast.

A ring all-reduce of B bytes over n ranks takes ``2 (n - 1) / n * B / b`` with b the slowest link
between neighbours: the best order has the fastest slowest link, a bottleneck tour. For a few ranks
it is found exactly by a dynamic program over sets. For many, a tour needs a graph of links at least
so fast that stays connected when any rank is taken away: the fastest threshold at which it does
bounds every order. Orders are sought at one threshold after the other by growing a path along fast
links and turning its end round where it is stuck (Posa's rotations).

Inferred: ranks stand in nodes of 8 with NVLink; between nodes bandwidth is drawn, with some links
slow (a shared switch).
"""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scheduling.scenarios.scenario import Row, Run, Scenario

Floats = NDArray[np.float64]

_BYTES = 1e9
_INSIDE = 400e9
"""Bytes a second between GPUs of one node."""

_EXACT = 13
"""Most ranks for which the program over sets is run."""

_TURNS, _STARTS = 60, 8
"""Steps of a search for a tour, for each rank, and searches at each threshold."""


def bandwidths(ranks: int, in_node: int, seed: int) -> Floats:
    """Draw bytes a second between ranks, symmetric."""
    rng = np.random.default_rng(seed)
    drawn = rng.lognormal(np.log(25e9), 0.5, (ranks, ranks))
    slow = rng.random((ranks, ranks)) < 0.4
    drawn[slow] /= 5
    found = np.triu(drawn, 1)
    found += found.T
    node = np.arange(ranks) // in_node
    # Ranks are numbered across nodes, as a scheduler hands them out.
    place = rng.permutation(ranks)
    inside = node[place][:, None] == node[place][None]
    found[inside] = _INSIDE
    return found


def seconds(found: Floats, order: list[int]) -> float:
    """Return the time of a ring all-reduce of 1 GB."""
    slowest = min(found[a, b] for a, b in pairwise([*order, order[0]]))
    return 2 * (len(order) - 1) / len(order) * _BYTES / float(slowest)


def best_order(found: Floats) -> list[int]:
    """Return an order whose slowest link is fastest, by the program over sets (Held and Karp)."""
    n = len(found)
    width = np.full((1 << (n - 1), n - 1), -np.inf)
    came = np.zeros((1 << (n - 1), n - 1), dtype=np.int64)
    others = found[1:, 1:]
    for last in range(n - 1):
        width[1 << last, last] = found[0, last + 1]
    for subset in range(1, 1 << (n - 1)):
        for last in range(n - 1):
            rest = subset & ~(1 << last)
            if rest in (subset, 0):
                continue
            value = np.minimum(width[rest], others[last])
            came[subset, last] = int(np.argmax(value))
            width[subset, last] = value[came[subset, last]]
    subset = (1 << (n - 1)) - 1
    last = int(np.argmax(np.minimum(width[subset], found[0, 1:])))
    order = []
    while subset:
        order.append(last + 1)
        subset, last = subset & ~(1 << last), int(came[subset, last])
    return [0, *order]


def tour_along(fast: NDArray[np.bool_], rng: np.random.Generator) -> list[int] | None:
    """Return a tour along fast links, grown with rotations (Posa 1976), if one is found.

    Parameters
    ----------
    fast
        Whether the link between two ranks may be used, symmetric.
    rng
        For the choice of neighbours.
    """
    n = len(fast)
    path, at = [0], {0: 0}
    for _ in range(_TURNS * n):
        neighbours = np.flatnonzero(fast[path[-1]]).tolist()
        if len(path) == n and fast[path[-1], path[0]]:
            return path
        fresh = [rank for rank in neighbours if rank not in at]
        if fresh:
            # The one with the fewest ways on, which is soonest out of reach.
            nearest = min(fresh, key=lambda rank: (int(fast[rank].sum()), rng.random()))
            at[nearest] = len(path)
            path.append(nearest)
            continue
        inner = [rank for rank in neighbours if at[rank] < len(path) - 2]
        if not inner:
            return None
        turn = at[inner[int(rng.integers(len(inner)))]]
        path[turn + 1 :] = path[turn + 1 :][::-1]
        at.update((rank, turn + 1 + k) for k, rank in enumerate(path[turn + 1 :]))
    return None


def good_order(found: Floats, seed: int = 0) -> list[int]:
    """Return an order with the fastest slowest link that rotations find."""
    rng = np.random.default_rng(seed)
    values = np.unique(found[np.triu_indices(len(found), 1)])
    values = values[values <= widest_bound(found)]
    order = list(range(len(found)))
    low, high = 0, len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        fast = found >= values[middle]
        np.fill_diagonal(fast, val=False)
        tours = (tour_along(fast, rng) for _ in range(_STARTS))
        tour = next((one for one in tours if one is not None), None)
        if tour is None:
            high = middle - 1
        else:
            order, low = min(order, tour, key=lambda one: seconds(found, one)), middle + 1
    return order


def widest_bound(found: Floats) -> float:
    """Return a bandwidth that no order's slowest link exceeds: links as fast leave no weak rank."""
    values = np.unique(found[np.triu_indices(len(found), 1)])
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high + 1) // 2
        graph = nx.from_numpy_array(np.triu(found >= values[middle], 1))
        if nx.is_biconnected(graph):
            low = middle
        else:
            high = middle - 1
    return float(values[low])


def run(limits: Run) -> list[Row]:
    """Order ranks of a small and of a large ring."""
    del limits
    return [_row(12, 4), _row(128, 8)]


def _row(ranks: int, in_node: int) -> Row:
    found = bandwidths(ranks, in_node, seed=1)
    exact = ranks <= _EXACT
    value = seconds(found, best_order(found) if exact else good_order(found))
    least = value if exact else 2 * (ranks - 1) / ranks * _BYTES / widest_bound(found)
    return Row(
        case=f"{ranks} ranks, {in_node} in a node",
        measure="seconds of a ring all-reduce of 1 GB",
        baseline="order of the ranks",
        baseline_value=seconds(found, list(range(ranks))),
        method="program over sets" if exact else "rotations along fast links",
        value=value,
        gap=1.0 - least / value,
        published=None,
        verdict="best possible" if least == value else "not proven best",
    )


SCENARIO = Scenario(
    name="pccl",
    system="PCCL: collectives over uneven links (known by its name)",
    wants="nothing: seeded bandwidths",
    run=run,
)
