"""Where the methods for one machine post orders and bounds, and read the best ones."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.board import Board
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.tardiness.machine import OneMachine


class Post:
    """The board, in terms of orders.

    Parameters
    ----------
    data, machine
        The problem and its jobs.
    board
        Where to post.
    name
        Name of the solver, in front of the methods' names.
    """

    def __init__(
        self, data: CompiledSchedule, machine: OneMachine, board: Board[Candidate], name: str
    ) -> None:
        self._data, self._machine, self._board, self._name = data, machine, board, name
        self._best: Ints | None = None
        self._value: int | None = None

    @property
    def best(self) -> Ints:
        """Best order known here or on the board."""
        self._take_over()
        return np.arange(self._machine.size) if self._best is None else self._best

    @property
    def value(self) -> int:
        """Value of :attr:`best`."""
        return self._machine.value(self.best)

    def order(self, order: Ints, method: str) -> None:
        """Post an order if it is better than the best one here."""
        value = self._machine.value(order)
        if self._value is not None and value >= self._value:
            return
        self._best, self._value = order, value
        candidate = self._machine.candidate(order)
        self._board.offer(candidate, self._data.values(candidate), f"{self._name} {method}")

    def bound(self, bound: int, method: str) -> None:
        """Post a lower bound."""
        self._board.raise_bound(bound, f"{self._name} {method}")

    def _take_over(self) -> None:
        """Look whether the board has something better by now."""
        known, candidate = self._board.objective, self._board.best
        if candidate is None or known is None:
            return
        if self._value is None or known < self._value:
            self._best = self._machine.order(candidate)
            self._value = self._machine.value(self._best)
