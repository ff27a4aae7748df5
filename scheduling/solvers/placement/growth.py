"""Fragmentation gradient descent: how much more requests cannot use once an item is placed.

Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
Descent (ATC 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays
from scheduling.models.placement.fragmentation import WorkloadArrays
from scheduling.models.placement.part_arrays import Uses
from scheduling.solvers.placement.state import State


@dataclass
class _Known:
    """What is known of one class: growth and best parts on each node, and when it was found."""

    growth: Ints
    uses: list[Uses]
    found: Ints


class Growth:
    """Growth of fragmentation by one more item, node by node.

    What is known of a node holds until something changes there.

    Parameters
    ----------
    arrays
        The problem.
    workload
        The requests.
    state
        The growing placement.
    """

    def __init__(self, arrays: PlacementArrays, workload: WorkloadArrays, state: State) -> None:
        self._arrays, self._workload, self._state = arrays, workload, state
        self._known: dict[int, _Known] = {}
        self._changes = np.zeros(arrays.n_nodes, np.int64)
        self._slot = np.zeros(len(arrays.parts.node), np.int64)
        rows, slots = np.nonzero(workload.slots >= 0)
        self._slot[workload.slots[rows, slots]] = slots

    def changed(self, node: int) -> None:
        """Forget what is known of a node."""
        self._changes[node] += 1

    def of(self, k: int, nodes: Ints) -> Ints:
        """Return the least growth by an item of a class on nodes that have room for it."""
        m = self._arrays.n_nodes
        if k not in self._known:
            self._known[k] = _Known(np.zeros(m, np.int64), [()] * m, np.full(m, -1, np.int64))
        known = self._known[k]
        stale = nodes[known.found[nodes] != self._changes[nodes]]
        if stale.size:
            self._find(k, stale, known)
            known.found[stale] = self._changes[stale]
        found: Ints = known.growth[nodes]
        return found

    def place(self, k: int, node: int) -> int:
        """Return the place on a node where an item of a class makes least grow."""
        self.of(k, np.array([node]))
        return self._arrays.places.number(node, self._known[k].uses[node])

    def _find(self, k: int, nodes: Ints, known: _Known) -> None:
        workload, state = self._workload, self._state
        at, uses = self._candidates(k, nodes)
        free = workload.capacity[at] - state.counts[:, at].T @ workload.need
        parts = workload.parts_of(at, state.part_free)
        before = workload.lost(at, free, parts)
        for row, taken in enumerate(uses):
            for part, option in taken:
                parts[row, self._slot[part]] -= self._arrays.parts.need(k, part, option)
        growth = workload.lost(at, free - workload.need[k], parts) - before
        known.growth[nodes] = np.iinfo(np.int64).max
        # The last one counts: the least growth, among equals that of the fullest part.
        for row in np.argsort(growth, kind="stable")[::-1].tolist():
            known.growth[at[row]], known.uses[at[row]] = growth[row], uses[row]

    def _candidates(self, k: int, nodes: Ints) -> tuple[Ints, list[Uses]]:
        """Return ways to place an item on nodes: the node and the parts of each."""
        parts, state = self._arrays.parts, self._state
        shares, free = parts.shares[k], state.parts_for(k)
        if not shares:
            return nodes, [()] * len(nodes)
        if len(shares) > 1 or shares[0].count > 1:
            found = [parts.choose(k, node, free, tight=True) for node in nodes.tolist()]
            return nodes, [uses or () for uses in found]
        share = shares[0]
        wanted: Flags = np.zeros(self._arrays.n_nodes, bool)
        wanted[nodes] = True
        fits = parts.fitting(share, free)
        fits &= wanted[parts.node[share.parts]][:, None]
        fits &= (parts.domains[k].of[share.parts] >= 0)[:, None]
        rows, options = np.nonzero(fits)
        chosen = share.parts[rows]
        # Parts of a node that have the same left, of the same capacity, are alike.
        traits = [parts.node[chosen], options, *state.part_free[chosen].T]
        _, first = np.unique(np.column_stack(traits), axis=0, return_index=True)
        chosen, options = chosen[first], options[first]
        pairs = zip(chosen.tolist(), options.tolist(), strict=True)
        return parts.node[chosen], [((part, option),) for part, option in pairs]
