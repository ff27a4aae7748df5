"""Local searches that run in slices, side by side, and take over each other's best schedules."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from scheduling.models.schedule.arrays import NEVER
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.sideways import Sideways

_LARGEST_SLICE = 1 << 30  # slices that reach the target return at once, and would grow for ever
_SLICE_SECONDS = 0.05
_FIRST_SLICE = 500


class Walk(Protocol):
    """A local search in progress."""

    def advance(self, moves: int, target: int) -> int:
        """Make some moves and return the best value so far."""
        ...

    def best(self) -> Candidate:
        """Return the best schedule so far."""
        ...

    def inject(self, candidate: Candidate) -> None:
        """Learn of a schedule that came from elsewhere."""
        ...


@dataclass(frozen=True, eq=False)
class Walking:
    """How to walk.

    Parameters
    ----------
    make
        Makes the walk of a seed.
    first
        The walk of the budget's own seed.
    moves
        Moves of each walk; ``None``: no limit.
    scale
        Value of the tier per unit of the walks' values.
    """

    make: Callable[[int], Walk]
    first: Walk
    moves: int | None
    scale: int = 1


def walk_together(
    name: str,
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    walking: Walking,
) -> None:
    """Run a walk for each worker until the board stops or the budget is spent."""

    def walk(number: int) -> None:
        mine = walking.make(budget.seed + number) if number else walking.first
        _explore(name, data, board, budget, walking, mine)

    with Sideways() as side:
        for number in range(1, budget.workers):
            side.start(f"{name}-{number}", partial(walk, number))
        walk(0)


def _explore(
    name: str,
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    walking: Walking,
    walk: Walk,
) -> None:
    """Run one walk in slices."""
    scale, moves_left = walking.scale, walking.moves
    slice_moves, known = _FIRST_SLICE, None
    while not board.stopped and budget.remaining() != 0 and moves_left != 0:
        if board.best is not None and (known is None or (board.objective or 0) < known):
            walk.inject(board.best)
        moves = slice_moves if moves_left is None else min(slice_moves, moves_left)
        target = -NEVER if board.bound is None else -(-board.bound // scale)
        began = time.monotonic()
        value = walk.advance(moves, target)
        if moves_left is None:
            slice_moves = _next_slice(slice_moves, time.monotonic() - began)
        else:
            moves_left -= moves
        if board.objective is None or scale * value < board.objective:
            candidate = walk.best()
            board.offer(candidate, data.values(candidate), name)
        known = board.objective


def _next_slice(moves: int, seconds: float) -> int:
    """Aim at slices of the same length, so that stops and exchanges come in time."""
    scale = _SLICE_SECONDS / max(seconds, 1e-4)
    return min(max(20, int(moves * min(2.0, max(0.25, scale)))), _LARGEST_SLICE)
