"""What many solvers say of themselves: which engine they need, and that they take every problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.registry import READY, Availability, installed


class NeedsNothing:
    """Base of solvers that need nothing beside what the library brings along."""

    def availability(self) -> Availability:
        """Tell that it is ready."""
        return READY


class NeedsCpSat:
    """Base of solvers that need CP-SAT."""

    def availability(self) -> Availability:
        """Tell whether OR-Tools is installed."""
        return installed("ortools", "OR-Tools")


class NeedsNumba:
    """Base of solvers that need kernels compiled by numba."""

    def availability(self) -> Availability:
        """Tell whether numba is installed."""
        return installed("numba", "numba")


class TakesAll:
    """Base of solvers that take every problem of their family."""

    def refusal(self, data: Any) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None


class OnePass(NeedsNothing, TakesAll, ABC):
    """Base of solvers that post what one pass of a rule gives, whatever the budget and the hint."""

    def search(self, data: Any, board: Board[Any], budget: Budget, hint: Any) -> None:
        """Post what the rule gives."""
        del budget, hint
        self.post(data, board)

    @abstractmethod
    def post(self, data: Any, board: Board[Any]) -> None:
        """Run the rule on a compiled problem and post what it gives."""
