"""Solver ``annealing``: transactions move, ever less often for the worse."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.solvers.bases import NeedsNumba, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.append import appended
from scheduling.solvers.ordering.family import CompiledOrdering, Order, offer
from scheduling.solvers.warmup import Kernels, ready

_STEPS = 400_000
_PLACEMENTS = 5e8
"""Pairs of places that one round looks at, at most."""

_HOT = 1.0


class Annealing(NeedsNumba, TakesAll):
    """Simulated annealing of the order, in rounds that start from the greedy one.

    Beside the makespan, which many orders share, early starts count a little. One unit of work is
    one round.

    Parameters
    ----------
    rounds
        Most rounds; ``None``: as many as the budget allows.
    """

    name = "annealing"
    summary = "simulated annealing: what the last end waits for moves, short runs move"

    def __init__(self, rounds: int | None = None) -> None:
        self._rounds = rounds

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernel."""
        return (ANNEALING,)

    def search(
        self, data: CompiledOrdering, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Improve the order until nothing of the budget is left."""
        arrays = data.arrays
        start = appended(arrays, 0) if hint is None else hint
        offer(data, board, start, self.name)
        if not ready((ANNEALING,), board, budget):
            return
        from scheduling.solvers.ordering.kernels.annealing import anneal

        steps = max(1000, min(_STEPS, int(_PLACEMENTS / max(1, arrays.n_transactions**2))))
        rounds = 0
        while not board.stopped and budget.remaining() != 0:
            if any(most is not None and rounds >= most for most in (budget.work, self._rounds)):
                return
            rng = np.random.default_rng((budget.seed, rounds))
            found = anneal(arrays.lag, arrays.length, np.array(start, np.int64), steps, _HOT, rng)
            offer(data, board, tuple(found.tolist()), self.name)
            rounds += 1


def _anneal() -> None:
    from scheduling.solvers.ordering.kernels.annealing import anneal

    tiny = np.zeros((2, 2), np.int64)
    anneal(tiny, tiny[0] + 1, np.arange(2), 1, _HOT, np.random.default_rng(0))


ANNEALING = Kernels("ordering", _anneal)
