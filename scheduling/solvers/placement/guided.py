"""Solver ``guided``: a linear program tells how much goes where, packing does it node by node."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import NOWHERE, Ints, PlacementArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.result import Limits
from scheduling.solvers.placement.construction import Construction
from scheduling.solvers.placement.displacing import Over, displace, in_order
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import whole_gangs
from scheduling.solvers.placement.packing import fill_class, pack, slack
from scheduling.solvers.placement.pools import Pools
from scheduling.solvers.placement.state import State
from scheduling.solvers.placement.targets import find_targets

Floats = NDArray[np.float64]

TIGHT, LOOSE = 1.0, 0.88
"""Shares of the capacity that the linear program fills, one try each; the looser is the quicker."""

_TIME = 0.5
"""Share of what is left of the time for all tries; what one has when its part ends is an answer."""

_LARGE = 0.5
"""An item that takes a larger share of a node needs one that is nearly empty."""


class Guided(Construction):
    """Packing after a linear program over pools of equal nodes.

    The program says how many items of each class every pool should hold, so that tier by tier as
    many as possible are placed and as few as possible leave their pool. What runs stays as far as
    that goes, from the fullest node on; the rest is packed, large items first; then items that
    found no place push smaller or less important ones aside.

    Parameters
    ----------
    shares
        Shares of the capacity that the program fills, one try each.
    """

    name = "guided"
    summary = "linear program over pools of equal nodes, then best fit and displacement"

    def __init__(self, shares: tuple[float, ...] = (TIGHT, LOOSE)) -> None:
        self._shares = shares

    def placements(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget
    ) -> Iterator[tuple[str, Ints]]:
        """Yield what runs and a placement per share, the best one first."""
        arrays = data.arrays
        pools = Pools.of_nodes(arrays)
        found = [arrays.now]
        for share in self._shares:
            part = budget.part(_TIME / len(self._shares))

            def over(part: Budget = part) -> bool:
                return board.stopped or part.remaining() == 0

            limits = Limits(seconds=part.remaining(), seed=budget.seed)
            targets = None if over() else find_targets(pools, share, limits)
            if targets is not None:
                found.append(_place(pools, targets, over))
        # The best one first: the tiers behind one that it closes profit from it, too.
        for place in sorted(found, key=data.values):
            yield self.name, place


def _place(pools: Pools, targets: Ints, over: Over) -> Ints:
    """Build the placement that comes close to the targets, as far as time allows."""
    arrays = pools.arrays
    counts = _keep(pools, targets)
    if arrays.plain:
        _fill(pools, counts, targets)
        state = State(arrays, arrays.assign(pack(arrays, counts, small_first=True)))
    else:
        state = State(arrays, _standing(arrays, counts))
        _put(pools, state, targets, over)
    displace(state, over)
    return whole_gangs(state)


def _keep(pools: Pools, targets: Ints) -> Ints:
    """Let items stay up to the targets, (K, m).

    Nodes for large items that are to come are cleared, those first that would keep least.
    """
    arrays = pools.arrays
    counts = arrays.held.copy()
    loose = arrays.running - arrays.held
    for pool in range(len(pools.count)):
        nodes, target = pools.nodes(pool), targets[:, pool]
        share = _shares(arrays, pools.room[pool])
        standing = pools.running[:, pool]
        kept = np.minimum(target / np.maximum(standing, 1), 1.0) * share
        content = kept @ arrays.running[:, nodes]
        coming = int(np.maximum(target - standing, 0)[share > _LARGE].sum())
        nodes = nodes[np.argsort(-content, kind="stable")][: max(0, len(nodes) - coming)]
        mine = loose[:, nodes]
        left = (target - pools.held[:, pool])[:, None]
        before = np.cumsum(mine, axis=1) - mine
        counts[:, nodes] += np.clip(left - before, 0, mine)
    return counts


def _standing(arrays: PlacementArrays, counts: Ints) -> Ints:
    """Leave so many items of each class on each node where they run, pinned ones first."""
    place = np.full(arrays.n_items, NOWHERE, np.int64)
    left = counts.copy()
    here = np.flatnonzero(arrays.now >= 0)
    for item in here[np.argsort(~arrays.pinned[here], kind="stable")].tolist():
        k, node = int(arrays.of_class[item]), arrays.places.node(int(arrays.now[item]))
        if left[k, node] > 0:
            left[k, node] -= 1
            place[item] = arrays.now[item]
    return place


def _shares(arrays: PlacementArrays, room: Ints) -> Floats:
    """Largest share of a node's resources that one item of each class takes."""
    share: Floats = (arrays.demand / np.maximum(room, 1)).max(axis=1, initial=0.0)
    return share


def _fill(pools: Pools, counts: Ints, targets: Ints) -> None:
    """Add the items that the targets ask for beyond those that stay, pool by pool."""
    arrays = pools.arrays
    free = arrays.capacity - counts.T @ arrays.demand
    for pool in range(len(pools.count)):
        nodes = pools.nodes(pool)
        lacking = targets[:, pool] - counts[:, nodes].sum(axis=1)
        share = _shares(arrays, pools.room[pool])
        order = np.lexsort((-share, arrays.tier, share <= _LARGE))
        for k in order.tolist():
            if lacking[k] > 0:
                fill_class(arrays, counts, free, k, nodes, int(lacking[k]))


def _put(pools: Pools, state: State, targets: Ints, over: Over) -> None:
    """Put items one by one in the pools that still lack some of their class."""
    arrays = pools.arrays
    standing = np.zeros_like(targets)
    placed = state.node >= 0
    np.add.at(standing, (arrays.of_class[placed], pools.of[state.node[placed]]), 1)
    lacking = targets - standing
    for item in in_order(state, np.flatnonzero(~placed), small_first=False):
        if over():
            return
        k = int(arrays.of_class[item])
        options = np.flatnonzero(state.options(item) & (lacking[k] > 0)[pools.of])
        if options.size:
            node = int(options[np.argmin(slack(arrays, state.free, k, options))])
            state.put(item, node)
            lacking[k, pools.of[node]] -= 1
