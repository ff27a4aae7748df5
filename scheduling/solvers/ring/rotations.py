"""Solver ``rotations``: paths that are grown along fast links, and turned where they are stuck."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scheduling.models.ring.arrays import Order
from scheduling.models.ring.bounds import fastest_level
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ring.family import CompiledRing, offer

_TURNS, _STARTS = 60, 8
"""Steps of a search for a ring, for each node, and searches at each rate."""


class Rotations(NeedsNothing, TakesAll):
    """The rates that rings may have are halved; at each, paths are grown along links so fast.

    A path goes along links that are so fast both ways. Where its end is stuck at nodes that are on
    it already, the part behind one of them is turned round (Posa, 1976). One work unit is 1000
    steps of a path.
    """

    name = "rotations"
    summary = "paths grown along fast links both ways, turned where they are stuck"

    def search(
        self,
        data: CompiledRing,
        board: Board[Order],
        budget: Budget,
        hint: Order | None,  # noqa: ARG002
    ) -> None:
        """Post the rings that are found."""
        arrays = data.arrays
        rng = np.random.default_rng(budget.seed)
        both = np.minimum(arrays.level, arrays.level.T)
        levels = np.unique(both[np.triu_indices(len(both), 1)])
        levels = levels[levels <= fastest_level(arrays)]
        steps = None if budget.work is None else int(1000 * budget.work)

        def over() -> bool:
            nonlocal steps
            steps = None if steps is None else steps - 1
            spent = steps is not None and steps < 0
            return spent or board.stopped or budget.remaining() == 0

        low, high = 0, len(levels) - 1
        while low <= high and not over():
            middle = (low + high) // 2
            tours = (_grown(both >= levels[middle], rng, over) for _ in range(_STARTS))
            tour = next((one for one in tours if one is not None), None)
            if tour is None:
                high = middle - 1
            else:
                offer(data, board, tour, self.name)
                low = middle + 1


def _grown(
    links: NDArray[np.bool_], rng: np.random.Generator, over: Callable[[], bool]
) -> Order | None:
    """Return a ring along links, symmetric ones, if one is found."""
    n = len(links)
    ways = links.sum(axis=1).tolist()
    path, at = [0], {0: 0}
    for _ in range(_TURNS * n):
        if len(path) == n and links[path[-1], path[0]]:
            return tuple(path)
        if over():
            return None
        neighbours = np.flatnonzero(links[path[-1]]).tolist()
        fresh = [node for node in neighbours if node not in at]
        if fresh:
            # The one with the fewest ways on, which is soonest out of reach.
            node = min(fresh, key=lambda node: (ways[node], rng.random()))
            at[node] = len(path)
            path.append(node)
            continue
        inner = [node for node in neighbours if at[node] < len(path) - 2]
        if not inner:
            return None
        turn = at[inner[int(rng.integers(len(inner)))]] + 1
        path[turn:] = path[turn:][::-1]
        at.update((node, turn + place) for place, node in enumerate(path[turn:]))
    return None
