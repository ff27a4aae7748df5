"""The board: keeps the best of all, refuses contradictions, stops everyone when closed."""

from __future__ import annotations

import time

import pytest

from scheduling.errors import SolverError
from scheduling.solvers.board import Board, Budget


def board(tier: int = 0, caps: tuple[int, ...] = ()) -> Board[str]:
    return Board(tier, caps, time.monotonic())


def test_only_better_candidates_are_kept() -> None:
    wall = board()
    assert wall.offer("a", (9,), "one")
    assert not wall.offer("b", (9,), "two")
    assert wall.offer("c", (7,), "two")
    assert (wall.best, wall.objective, wall.solver) == ("c", 7, "two")
    assert [point[1] for point in wall.history] == [9, 7]


def test_later_tiers_break_ties_and_caps_hold() -> None:
    wall = board(1, (4,))
    assert not wall.offer("a", (5, 1, 0), "one")
    assert wall.offer("b", (4, 3, 9), "one")
    assert wall.offer("c", (4, 3, 8), "one")
    assert wall.objective == 3


def test_closing_the_gap_stops_the_board() -> None:
    wall, stopped = board(), []
    wall.on_stop(lambda: stopped.append(True))
    wall.raise_bound(5, "prover")
    assert not wall.stopped
    wall.offer("a", (5,), "finder")
    assert wall.closed
    assert stopped == [True]
    wall.on_stop(lambda: stopped.append(False))
    assert stopped == [True, False]


def test_contradictions_are_errors() -> None:
    wall = board()
    wall.raise_bound(5, "prover")
    with pytest.raises(SolverError, match="below the proven bound"):
        wall.offer("a", (4,), "finder")
    wall.offer("b", (8,), "finder")
    with pytest.raises(SolverError, match="above the value"):
        wall.raise_bound(9, "prover")
    with pytest.raises(SolverError, match="infeasibility"):
        wall.prove_infeasible("prover")


def test_budget_parts() -> None:
    whole = Budget(deadline=None, work=10.0, workers=4, seed=1)
    part = whole.part(0.25, workers=2)
    assert (part.deadline, part.work, part.workers, part.seed) == (None, 2.5, 2, 1)
    timed = Budget(deadline=time.monotonic() - 1, work=None, workers=1, seed=0)
    assert timed.remaining() == 0.0
