"""Making room: items push smaller or less important ones aside, which then look for a new place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints
from scheduling.solvers.placement.packing import class_order, slack
from scheduling.solvers.placement.state import State

Over = Callable[[], bool]

_TRIED = 25
"""Nodes on which room is made, those first that lack least."""


def put(state: State, item: int) -> bool:
    """Put an item where it ran, else where wishes and then the fullest resource say."""
    arrays = state.arrays
    now = int(arrays.now[item])
    k = int(arrays.of_class[item])
    if now >= 0 and state.fits(item, now):
        state.put(item, now)
        return True
    options = np.flatnonzero(state.options(item))
    if options.size == 0:
        return False
    if arrays.aims.wish_cost is not None:
        cost = arrays.aims.wish_cost[k, options]
        options = options[cost == cost.min()]
    state.put(item, int(options[np.argmin(slack(arrays, state.free, k, options))]))
    return True


def in_order(state: State, items: Ints, *, small_first: bool) -> list[int]:
    """Items by priority and size."""
    arrays = state.arrays
    rank = np.argsort(class_order(arrays, small_first=small_first))
    chosen: list[int] = items[np.lexsort((items, rank[arrays.of_class[items]]))].tolist()
    return chosen


def put_all(state: State, items: Ints, over: Over, *, small_first: bool) -> bool:
    """Put items one by one where they fit; False when time ran out."""
    arrays = state.arrays
    full: set[int] = set()
    for item in in_order(state, items, small_first=small_first):
        if over():
            return False
        k = int(arrays.of_class[item])
        if k not in full and not put(state, item) and arrays.plain and arrays.now[item] < 0:
            # Nobody makes room or company for the others of the class.
            full.add(k)
    return True


def displace(state: State, over: Over) -> bool:
    """Place what is missing, by priority, in place of smaller or less important items.

    Whoever is pushed aside is put elsewhere, where need be in place of items of lower priority. An
    attempt stands only when the numbers of unplaced items by priority get better in their order.

    Returns
    -------
    bool
        False when time ran out.
    """
    arrays = state.arrays
    hopeless: set[int] = set()
    for item in in_order(state, np.flatnonzero(state.node < 0), small_first=False):
        if over():
            return False
        k = int(arrays.of_class[item])
        if state.node[item] < 0 and k not in hopeless and not _Attempt(state).place(item):
            # Others of the class meet the same nodes, with no less on them.
            hopeless.add(k)
    return put_all(state, np.flatnonzero(state.node < 0), over, small_first=True)


class _Attempt:
    """Changes of a state that can be undone."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._log: list[tuple[int, int]] = []
        arrays = state.arrays
        total = np.maximum(arrays.capacity.sum(axis=0), 1)
        self._share = (arrays.demand / total).max(axis=1, initial=0.0)
        self._weight = self._share * 4.0 ** (arrays.n_priorities - arrays.tier)

    def place(self, item: int) -> bool:
        """Place an item; False, and nothing changed, when that makes nothing better."""
        state, arrays = self._state, self._state.arrays
        if put(state, item):
            return True
        k = int(arrays.of_class[item])
        lower = arrays.tier > arrays.tier[k]
        if self._push(item, lower) is not None:
            return True
        before = self._unplaced()
        pushed = self._push(item, lower | (self._share < self._share[k]))
        if pushed is None:
            return False
        for victim in in_order(state, np.array(pushed, np.int64), small_first=False):
            self._settle(victim)
        if self._unplaced() < before:
            return True
        self._undo()
        return False

    def _settle(self, item: int) -> None:
        arrays = self._state.arrays
        self._log.append((item, -1))
        if not put(self._state, item):
            tier = arrays.tier
            self._push(item, tier > tier[arrays.of_class[item]])

    def _unplaced(self) -> list[int]:
        state, arrays = self._state, self._state.arrays
        tiers = arrays.tier[arrays.of_class[state.node < 0]]
        found: list[int] = np.bincount(tiers, minlength=arrays.n_priorities).tolist()
        return found

    def _push(self, item: int, weak: Flags) -> list[int] | None:
        """Put an item on a node in place of items of weak classes; ``None``: impossible."""
        state, arrays = self._state, self._state.arrays
        k = int(arrays.of_class[item])
        loose = np.flatnonzero((state.node >= 0) & ~arrays.pinned & weak[arrays.of_class])
        room = state.free.copy()
        np.add.at(room, state.node[loose], arrays.demand[arrays.of_class[loose]])
        nodes = np.flatnonzero(arrays.eligible[k] & np.all(room >= arrays.demand[k], axis=1))
        lacking = np.maximum(arrays.demand[k] - state.free[nodes], 0)
        share = (lacking / np.maximum(arrays.demand[k], 1)).sum(axis=1)
        found: list[tuple[float, int, list[int]]] = []
        for node in nodes[np.argsort(share, kind="stable")][:_TRIED].tolist():
            there = loose[state.node[loose] == node]
            victims = self._victims(k, node, there)
            if victims is not None:
                found.append((float(self._weight[arrays.of_class[victims]].sum()), node, victims))
        if not found:
            return None
        _, node, victims = min(found)
        places = [(victim, state.take(victim)) for victim in victims]
        if not state.options(item)[node]:
            for victim, place in places:
                state.put(victim, place)
            return None
        self._log += places
        self._log.append((item, -1))
        state.put(item, node)
        return victims

    def _victims(self, k: int, node: int, candidates: Ints) -> list[int] | None:
        """Items to take off a node so that one of class k fits by capacity; ``None``: impossible.

        Of the least important the largest go first; those that need not go in the end stay.
        """
        state, arrays = self._state, self._state.arrays
        parts = arrays.parts
        short = arrays.demand[k] - state.free[node]
        inside = bool(parts.shares[k])
        free = state.part_free.copy() if inside else state.part_free

        def lacks() -> bool:
            return bool((short > 0).any()) or (
                inside and parts.choose(k, node, free, tight=False) is None
            )

        classes = arrays.of_class[candidates]
        order = np.lexsort((-self._share[classes], -arrays.tier[classes]))
        chosen: list[int] = []
        for item in candidates[order].tolist():
            if not lacks():
                break
            other = int(arrays.of_class[item])
            need = arrays.demand[other]
            if ((short > 0) & (need > 0)).any() or (inside and parts.shares[other]):
                chosen.append(item)
                short = short - need
                parts.add(free, other, arrays.places.uses(int(state.place[item])), 1)
        if lacks():
            return None
        for item in list(chosen):
            need = arrays.demand[arrays.of_class[item]]
            if not inside and (short + need <= 0).all():
                chosen.remove(item)
                short = short + need
        return chosen

    def _undo(self) -> None:
        for item, before in reversed(self._log):
            if self._state.node[item] >= 0:
                self._state.take(item)
            if before >= 0:
                self._state.put(item, before)
        self._log.clear()
