"""What a search has spent, and whether it must end."""

from __future__ import annotations

import time
from typing import Any

from scheduling.solvers.board import Board, Budget

LOOKS_PER_UNIT = 10**8
"""Looks at a job, a run or an arc that make one unit of work."""

SLICE = 4 * 10**6
"""Looks between two questions whether to go on: some hundredths of a second."""


class Meter:
    """Counts looks against a budget, and against shares of it for parts of a search.

    Parameters
    ----------
    board
        Whose stop ends the search.
    budget
        What the whole search may spend.
    """

    def __init__(self, board: Board[Any], budget: Budget) -> None:
        self._board, self._budget = board, budget
        self._looks = 0.0
        self._began = time.monotonic()

    def spend(self, looks: float) -> None:
        """Count some looks."""
        self._looks += looks

    @property
    def over(self) -> bool:
        """Whether the search must end."""
        return self._board.stopped or self.used >= 1.0

    @property
    def used(self) -> float:
        """Share of the budget that is spent, the largest of time and work."""
        shares = [0.0]
        if self._budget.work is not None:
            shares.append(self._looks / (self._budget.work * LOOKS_PER_UNIT))
        if self._budget.deadline is not None:
            whole = self._budget.deadline - self._began
            shares.append((time.monotonic() - self._began) / whole if whole > 0 else 1.0)
        return max(shares)
