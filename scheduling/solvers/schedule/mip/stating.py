"""States a tier in the formulation that suits it and what is known."""

from __future__ import annotations

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.board import Board
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.mip.choice import Formulation, choose
from scheduling.solvers.schedule.mip.frame import Frame


def state_tier(name: str, arrays: ScheduleArrays, board: Board[Candidate]) -> Formulation | None:
    """State the tier of ``board`` in the formulation that suits it; ``None``: nothing is to do.

    That a problem has no schedule is posted under ``name``.
    """
    frame = Frame.of(arrays, known_end(arrays, board))
    if frame is None:
        if board.best is None:
            board.prove_infeasible(name)
        return None
    kind = choose(frame, board.tier)
    if kind is None or board.stopped:
        return None
    return kind(frame, board.tier, board.caps)


def known_end(arrays: ScheduleArrays, board: Board[Candidate]) -> int | None:
    """Return a time by which some optimal schedule ends, as far as known makespans tell."""
    makespan = MEASURES.index("makespan")
    ends = []
    for tier, value in enumerate((*board.caps, board.objective)):
        row = arrays.weights[tier]
        if value is not None and row[makespan] == row.sum():
            ends.append(value // int(row[makespan]))
    return min(ends, default=None)
