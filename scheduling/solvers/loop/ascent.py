"""What the exact solvers share: the intervals one after the other, each proven or refuted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.models.loop.bounds import length_bound
from scheduling.solvers.board import Board

Refutes = Callable[[int], bool]
"""Searches at an interval and posts what it finds; True when it proves that there is nothing."""


def ascend(arrays: LoopArrays, board: Board[Any], name: str, refutes: Refutes) -> None:
    """Raise the interval from its bound until one is not refuted.

    Schedules may exist at an interval and not at the next one, so none is left out.
    """
    interval = board.bound or 1
    while not board.stopped:
        if interval > arrays.longest_interval:
            board.prove_infeasible(name)
            return
        if not refutes(interval):
            return
        interval += 1
        board.raise_bound(interval, name)


def raise_length(arrays: LoopArrays, board: Board[Pipeline]) -> None:
    """Post the longest path at the interval that the first tier has settled."""
    board.raise_bound(length_bound(arrays, board.caps[0]), "formula")
