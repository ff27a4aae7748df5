"""Solver ``auto``: first fit, then search and CP-SAT side by side."""

from __future__ import annotations

from typing import Any

from scheduling.models.memory.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.memory.cpsat import CpSat
from scheduling.solvers.memory.family import CompiledMemory
from scheduling.solvers.memory.first_fit import FirstFit
from scheduling.solvers.memory.search import Search
from scheduling.solvers.memory.warming import PACKING
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, at_once, begin

_SEARCH_SHARE = 0.6
_FIRST_SHARE = 0.1
"""Shares of the time that the search has for itself, before and after there is a packing."""


class Auto(NeedsCpSat):
    """Portfolio of the family's solvers on one board.

    First fit answers at once. The search has all workers for a while, as it settles most problems,
    longer while nothing fits below the capacity; then CP-SAT takes one of them, which closes gaps
    that the search leaves open. With one worker or a work limit one runs after the other.
    """

    name = "auto"
    summary = "portfolio: first fit, search with restarts, CP-SAT"

    def refusal(self, data: CompiledMemory) -> str | None:
        """Refuse what first fit refuses."""
        return FirstFit().refusal(data)

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernels that pack."""
        return (PACKING,)

    def search(
        self, data: CompiledMemory, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Improve value and bound."""
        exact = CpSat().refusal(data) is None
        if exact and not at_once((PACKING,), budget):
            _without_kernels(data, board, budget, hint)
            return
        FirstFit().search(data, board, budget, hint)
        if Search().refusal(data) is not None:
            if exact and not board.stopped:
                CpSat().search(data, board, budget, hint)
        elif not exact:
            Search().search(data, board, budget, hint)
        elif budget.workers == 1 or budget.work is not None:
            _in_turn(data, board, budget, hint)
        else:
            _side_by_side(data, board, budget, hint)


def _without_kernels(
    data: CompiledMemory, board: Board[Ints], budget: Budget, hint: Ints | None
) -> None:
    """Begin with CP-SAT, while the kernels of the others are compiled."""
    others = [part for part in (FirstFit(), Search()) if part.refusal(data) is None]
    begin((PACKING,))
    with Sideways() as side:
        share = 1.0 if budget.workers > 1 or not others else 1.0 - _SEARCH_SHARE
        exact = budget.part(share, max(1, budget.workers - 1))
        if budget.workers > 1:
            side.start("cp-sat", lambda: CpSat().search(data, board, exact, hint))
        else:
            CpSat().search(data, board, exact, hint)
        for part in others:
            if not board.stopped:
                part.search(data, board, budget.part(1.0, 1), hint)


def _in_turn(data: CompiledMemory, board: Board[Ints], budget: Budget, hint: Ints | None) -> None:
    Search().search(data, board, budget.part(_SEARCH_SHARE), hint)
    if not board.stopped:
        last = budget if budget.work is None else budget.part(1.0 - _SEARCH_SHARE)
        CpSat().search(data, board, last, hint)


def _side_by_side(
    data: CompiledMemory, board: Board[Ints], budget: Budget, hint: Ints | None
) -> None:
    share = _SEARCH_SHARE if board.best is None else _FIRST_SHARE
    Search().search(data, board, budget.part(share), hint)
    if board.stopped:
        return
    with Sideways() as side:
        one = budget.part(1.0, workers=1)
        side.start("cp-sat", lambda: CpSat().search(data, board, one, hint))
        rest = budget.part(1.0, workers=budget.workers - 1)
        Search(first=budget.workers).search(data, board, rest, hint)
