"""Which of equal items goes where, so that the moves can be made one after the other."""

from __future__ import annotations

from collections import Counter

import numpy as np

from scheduling.models.placement.arrays import NOWHERE, Ints, PlacementArrays
from scheduling.solvers.placement.state import State

_TRIES = 8


def paired(arrays: PlacementArrays, place: Ints, rng: np.random.Generator) -> Ints:
    """Swap destinations among equal items, so that each finds room when its turn comes.

    Moves are made in a dry run: whenever a destination has room for its class, some item of that
    class goes there, one whose old node is waited for first. Where the run gets stuck it starts
    again in another order; what is left after the last keeps any destination.

    Parameters
    ----------
    arrays
        The problem; all items run.
    place
        A placement of all items.
    rng
        For the orders.
    """
    best: tuple[int, Ints] | None = None
    for _ in range(_TRIES):
        left, found = _Dry(arrays, place, rng).run()
        if best is None or left < best[0]:
            best = left, found
        if left == 0:
            break
    return place if best is None else best[1]


class _Dry:
    """One dry run."""

    def __init__(self, arrays: PlacementArrays, place: Ints, rng: np.random.Generator) -> None:
        self._arrays, self._rng = arrays, rng
        self._state = State(arrays, arrays.now)
        self._found = place.copy()
        moving = np.flatnonzero(place != arrays.now)
        self._movers: dict[int, list[int]] = {}
        self._wanted: Counter[tuple[int, int]] = Counter()
        for item in moving.tolist():
            k = int(arrays.of_class[item])
            self._movers.setdefault(k, []).append(item)
            self._wanted[k, int(place[item])] += 1

    def run(self) -> tuple[int, Ints]:
        """Return how many moves found no room, and the places."""
        open_to = True
        while open_to:
            keys = [key for key, count in self._wanted.items() if count > 0]
            went = [self._go(*keys[row]) for row in self._rng.permutation(len(keys))]
            open_to = any(went)
        left = 0
        for k, place in self._wanted.elements():
            self._found[self._movers[k].pop()] = place
            left += 1
        return left, self._found

    def _go(self, k: int, place: int) -> bool:
        """Bring an item of a class to a place with room; tell whether one went."""
        state, movers = self._state, self._movers[k]
        if not state.fits(movers[0], place):
            return False
        nodes = self._arrays.places.node
        waiting = {nodes(other) for (_, other), count in self._wanted.items() if count > 0}
        item = min(movers, key=lambda mover: int(state.node[mover]) not in waiting)
        movers.remove(item)
        self._wanted[k, place] -= 1
        if state.node[item] != NOWHERE:
            state.take(item)
        state.put(item, place)
        self._found[item] = place
        return True
