"""Runs a formulation on an engine and posts what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import Floats
from scheduling.solvers.linear.result import Engine, Limits, LinearResult, Listener, Outcome
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.mip.choice import Formulation, choose
from scheduling.solvers.schedule.mip.frame import Frame

QUESTIONS_PER_UNIT = 10
"""Questions of HiGHS whether to go on, per unit of work; it asks a few to 50 times a second."""

_GAP = 0.99
"""Values are integers, so a gap below 1 proves optimality."""

_TOLERANCE = 1e-4


def search_formulation(
    name: str,
    engine: Engine,
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    hint: Candidate | None,
) -> None:
    """State the tier of ``board`` in the formulation that suits it and solve it."""
    frame = Frame.of(data.arrays, known_end(data.arrays, board))
    if frame is None:
        if board.best is None:
            board.prove_infeasible(name)
        return
    kind = choose(frame, board.tier)
    if kind is None or board.stopped:
        return
    formulation = kind(frame, board.tier, board.caps)
    start = hint if board.best is None else board.best
    post = _Post(name, data, board, formulation)
    limits = Limits(
        budget.remaining(),
        budget.workers,
        budget.seed,
        None if budget.work is None else max(1, int(budget.work * QUESTIONS_PER_UNIT)),
        _GAP,
    )
    listener = Listener(post.solution, post.bound, lambda: board.stopped)
    values = None if start is None else formulation.encode(start)
    post.result(engine.solve(formulation.model, limits, listener, values))


def known_end(arrays: ScheduleArrays, board: Board[Candidate]) -> int | None:
    """Return a time by which some optimal schedule ends, as far as known makespans tell."""
    makespan = MEASURES.index("makespan")
    ends = []
    for tier, value in enumerate((*board.caps, board.objective)):
        row = arrays.weights[tier]
        if value is not None and row[makespan] == row.sum():
            ends.append(value // int(row[makespan]))
    return min(ends, default=None)


@dataclass(frozen=True)
class _Post:
    """Takes what an engine finds to the board."""

    name: str
    data: CompiledSchedule
    board: Board[Candidate]
    formulation: Formulation

    def solution(self, values: Floats) -> None:
        candidate = self.formulation.decode(values)
        if candidate is not None:
            self.board.offer(candidate, self.data.values(candidate), self.name)

    def bound(self, value: float) -> None:
        safe = value - _TOLERANCE - 1e-9 * abs(value)
        self.board.raise_bound(ceil(safe), self.name)

    def result(self, result: LinearResult) -> None:
        """Post the end of a solve."""
        if result.values is not None:
            self.solution(result.values)
        if result.bound is not None and not self.board.closed:
            self.bound(result.bound)
        if result.outcome is Outcome.INFEASIBLE and self.board.best is None:
            self.board.prove_infeasible(self.name)
