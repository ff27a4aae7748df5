"""Solver ``intervals``: which prompts are on time, by the work that intervals of time hold."""

from __future__ import annotations

from math import floor

import numpy as np

from scheduling.models.prefill.arrays import Pieces, run_in_time
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.prefill.family import CompiledPrefill, offer
from scheduling.solvers.prefill.intervals import Crowded, crowded, stated

_TOLERANCE = 1e-5
_HALF = 0.5
_GAP = 0.99
_QUESTIONS = 1000


class Intervals(NeedsNothing, TakesAll):
    """Exact where prompts may be interrupted anywhere, and a bound where operators are whole.

    A binary for each prompt; in every interval from a release to a due time, those that lie inside
    take no more than its length (Horn, 1974). Rows are added where a solution breaks them, first of
    the relaxation, then of whole prompts. What is chosen runs by earliest due time; between whole
    operators a few may end late, and are then dropped.
    """

    name = "intervals"
    summary = "program over intervals (HiGHS): exact but for the length of an operator"

    def search(
        self,
        data: CompiledPrefill,
        board: Board[Pieces],
        budget: Budget,
        hint: Pieces | None,  # noqa: ARG002
    ) -> None:
        """Add intervals until what is chosen fits, or the budget is spent."""
        from scheduling.solvers.linear.highs import Highs, relax
        from scheduling.solvers.linear.result import Limits, Listener

        arrays = data.arrays
        columns = [arrays.release, arrays.work, arrays.due, arrays.weight]
        release, work, due, weight = (column.astype(np.float64) for column in columns)
        ears = Listener(lambda _: None, lambda _: None, lambda: board.stopped)
        questions = None if budget.work is None else max(1, int(budget.work * _QUESTIONS))
        rows: list[Crowded] = []
        for whole in (False, True):
            while not board.stopped and budget.remaining() != 0:
                left = budget.remaining()
                workers = budget.workers if whole else 1
                limits = Limits(left, workers, budget.seed, questions, _GAP)
                model = stated(release, work, due, weight, rows)
                solve = Highs().solve if whole else relax
                result = solve(model, limits, ears)
                if result.bound is not None:
                    board.raise_bound(-floor(-result.bound + _TOLERANCE), self.name)
                if result.values is None:
                    return
                taken = np.clip(result.values, 0.0, 1.0)
                offer(data, board, run_in_time(arrays, taken > 1 - _HALF), self.name)
                fresh = crowded(release, work, due, np.rint(taken) if whole else taken)
                if not fresh:
                    break
                rows += fresh
